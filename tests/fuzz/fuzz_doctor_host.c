/* Files of /proc and /sys; the first byte picks which: 'l' sockets, 'i'
 * interrupts, 'c' processors, 's' a list of them, 'g' control groups. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/host/cgroup.h"
#include "ztt-doctor/host/cpu_info.h"
#include "ztt-doctor/host/interrupts.h"
#include "ztt-doctor/host/listeners.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void try_listeners(const char *text, size_t size)
{
	static struct ztt_listeners listeners;

	memset(&listeners, 0, sizeof(listeners));
	ztt_listeners_parse(&listeners, text, size % 2, size % 3 == 0);
	check(listeners.count <= ZTT_LISTENERS_MAX);
	for (size_t i = 0; i < listeners.count; i++) {
		char out[ZTT_LISTENER_LEN];

		check(ztt_listener_address(&listeners.list[i], out)[0]);
		check(ztt_listeners_has(&listeners, size % 2,
					listeners.list[i].port));
	}
}

static bool is_wanted(const char *number, const char *name, void *context)
{
	(void)context;
	return number[0] != 'N' && name[0] != 0;
}

static void try_interrupts(char *text)
{
	static struct ztt_interrupts seen;

	if (ztt_interrupts_parse(text, is_wanted, NULL, &seen) < 0)
		return;
	check(seen.cpu_count > 0 && seen.cpu_count <= ZTT_INTERRUPTS_CPUS_MAX);
	check(seen.line_count <= ZTT_INTERRUPTS_LINES_MAX);
}

static void try_group(const char *text)
{
	char path[PATH_MAX];
	bool v2;

	if (ztt_cgroup_find(text, "cpu", path, &v2))
		check(memchr(path, 0, sizeof(path)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool set[ZTT_CPU_LIST_MAX];
	struct ztt_cpu_info info;
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size);
	check(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	if (data[0] == 'l')
		try_listeners(text, size);
	else if (data[0] == 'i')
		try_interrupts(text);
	else if (data[0] == 'c')
		ztt_cpu_info_parse(text, &info);
	else if (data[0] == 's')
		check(ztt_cpu_list_parse(text, set) <= ZTT_CPU_LIST_MAX);
	else if (data[0] == 'g')
		try_group(text);
	free(text);
	return 0;
}
