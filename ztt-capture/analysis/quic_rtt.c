#include "ztt-capture/analysis/quic_rtt.h"

#include "ztt-capture/analysis/connection.h"

#define EXPONENT_DEFAULT 3
#define EXPONENT_MOST 20
#define MAX_DELAY_DEFAULT_MS 25
#define MAX_DELAY_MOST_MS (1 << 14)

static uint64_t or_default(uint64_t value, uint64_t most, uint64_t unset)
{
	return value > most ? unset : value;
}

static int64_t delay_ns(const struct ztt_quic_rtt_sample *sample)
{
	const struct ztt_transport_parameters *parameters = sample->parameters;
	uint64_t exponent = EXPONENT_DEFAULT;
	uint64_t most_ms = MAX_DELAY_DEFAULT_MS, delay_us;

	if (parameters && parameters->present) {
		exponent = or_default(parameters->ack_delay_exponent,
				      EXPONENT_MOST, EXPONENT_DEFAULT);
		most_ms = or_default(parameters->max_ack_delay_ms,
				     MAX_DELAY_MOST_MS, MAX_DELAY_DEFAULT_MS);
	}
	if (sample->delay_on_wire > (UINT64_MAX >> exponent))
		return 0;
	delay_us = sample->delay_on_wire << exponent;
	if (delay_us > most_ms * 1000)
		delay_us = most_ms * 1000;
	return (int64_t)delay_us * 1000;
}

void ztt_quic_rtt_record(struct ztt_quic_rtt *rtt,
			 const struct ztt_quic_rtt_sample *sample,
			 struct ztt_direction *direction)
{
	int64_t took_ns = sample->took_ns, waited_ns = 0;

	if (took_ns < 0)
		return;
	if (sample->application)
		waited_ns = delay_ns(sample);
	if (!rtt->least_ns || took_ns < rtt->least_ns)
		rtt->least_ns = took_ns ? took_ns : 1;
	if (took_ns - waited_ns >= rtt->least_ns)
		took_ns -= waited_ns;
	if (direction->rtt_us)
		ztt_hist_record(direction->rtt_us, (uint64_t)took_ns / 1000);
	if (direction->ack_delay_us && sample->application)
		ztt_hist_record(direction->ack_delay_us,
				(uint64_t)waited_ns / 1000);
}
