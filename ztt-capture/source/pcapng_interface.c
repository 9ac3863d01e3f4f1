#include "ztt-capture/source/pcapng_interface.h"

#include "ztt-capture/source/kind.h"

#define NS_PER_S UINT64_C(1000000000)

/* if_tsresol: a power of 10, or of 2 when the highest bit is set. */
static uint64_t ticks_per_s(uint8_t resolution)
{
	uint64_t ticks = 1;

	if (resolution & 0x80)
		return resolution < 0x80 + 64
			       ? UINT64_C(1) << (resolution & 0x3f)
			       : 0;
	if (resolution > 19)
		return 0;
	while (resolution--)
		ticks *= 10;
	return ticks;
}

int64_t ztt_pcapng_interface_time(const struct ztt_pcapng_interface *interface,
				  uint64_t ticks)
{
	uint64_t per_s = interface->ticks_per_s;
	uint64_t rest = ticks % per_s;
	uint64_t seconds = ticks / per_s;

	if (per_s % NS_PER_S == 0) {
		rest /= per_s / NS_PER_S;
		per_s = NS_PER_S;
	}
	while (per_s > UINT64_C(1) << 32) { /* a power of 2 */
		per_s >>= 1;
		rest >>= 1;
	}
	return ztt_source_time(seconds, interface->offset_s,
			       rest * NS_PER_S / per_s);
}

static bool interface_option(struct ztt_pcapng_interface *interface,
			     const struct ztt_body_option *option, bool swapped)
{
	if (option->code == ZTT_OPTION_INTERFACE_RESOLUTION &&
	    option->len_bytes >= 1)
		interface->ticks_per_s = ticks_per_s(option->value[0]);
	if (option->code == ZTT_OPTION_INTERFACE_OFFSET &&
	    option->len_bytes >= 8)
		interface->offset_s =
			(int64_t)ztt_body_u64_of(option->value, swapped);
	if (option->code == ZTT_OPTION_COMMENT &&
	    ztt_body_option_begins(option, ZTT_PCAPNG_COMMENT_VNET))
		interface->vnet = true;
	return interface->ticks_per_s != 0;
}

const char *ztt_pcapng_interface_read(struct ztt_body body,
				      struct ztt_pcapng_interface *ret)
{
	struct ztt_pcapng_interface interface = {.ticks_per_s = 1000000};
	struct ztt_body_option option;

	if (body.len_bytes < 8)
		return "an interface's block is too short";
	interface.link = ztt_body_u16(&body, 0);
	interface.snap_bytes = ztt_body_u32(&body, 4);
	ztt_body_skip(&body, 8);
	while (ztt_body_option(&body, &option))
		if (!interface_option(&interface, &option, body.swapped))
			return "an interface's time resolution is finer than "
			       "64 bits hold";
	*ret = interface;
	return NULL;
}

bool ztt_pcapng_drops_read(struct ztt_body body, uint32_t *ret_interface,
			   uint64_t *ret_dropped)
{
	struct ztt_body_option option;
	uint64_t dropped = 0;
	bool known = false;

	if (body.len_bytes < 12)
		return false;
	*ret_interface = ztt_body_u32(&body, 0);
	ztt_body_skip(&body, 12);
	while (ztt_body_option(&body, &option)) {
		if ((option.code != ZTT_OPTION_STATISTICS_DROPPED &&
		     option.code != ZTT_OPTION_STATISTICS_DROPPED_OS) ||
		    option.len_bytes != 8)
			continue;
		known = true;
		dropped += ztt_body_u64_of(option.value, body.swapped);
	}
	*ret_dropped = dropped;
	return known;
}
