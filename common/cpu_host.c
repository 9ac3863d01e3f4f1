#define _GNU_SOURCE
#include "cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "proc_lines.h"

static uint64_t minus(uint64_t end, uint64_t begin)
{
	return end > begin ? end - begin : 0;
}

static uint64_t ticks_ns(const char *line, unsigned field)
{
	long per_s = sysconf(_SC_CLK_TCK);

	return ztt_proc_field(line, field) *
	       (ZTT_NS_PER_S / (uint64_t)(per_s > 0 ? per_s : 100));
}

/* proc(5), /proc/stat: user nice system idle iowait irq softirq steal; time of
 * guests is within user and nice. */
static int read_stat(struct ztt_proc_lines *lines, struct ztt_cpu_host *host)
{
	const char *line;
	int code = ztt_proc_lines_open(lines, AT_FDCWD, "/proc/stat");

	if (code < 0)
		return code;
	line = ztt_proc_lines_next(lines);
	if (line == NULL || strncmp(line, "cpu ", 4) != 0) {
		code = -EPROTO;
		goto out;
	}
	host->user_ns = ticks_ns(line, 1) + ticks_ns(line, 2);
	host->system_ns = ticks_ns(line, 3);
	host->idle_ns = ticks_ns(line, 4) + ticks_ns(line, 5);
	host->irq_ns = ticks_ns(line, 6);
	host->softirq_ns = ticks_ns(line, 7);
	host->steal_ns = ticks_ns(line, 8);
	while ((line = ztt_proc_lines_next(lines)) != NULL &&
	       strncmp(line, "cpu", 3) == 0)
		host->cores_online++;
out:
	ztt_proc_lines_close(lines);
	return code;
}

/* Which field of a "Udp:" heading is called so, or 0. */
static unsigned column(const char *heads, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 1;; i++) {
		heads += strcspn(heads, " ");
		heads += strspn(heads, " ");
		if (*heads == '\0')
			return 0;
		if (strncmp(heads, name, len) == 0 &&
		    (heads[len] == ' ' || heads[len] == '\0'))
			return i;
	}
}

static int read_snmp(struct ztt_proc_lines *lines, struct ztt_cpu_host *host)
{
	unsigned field = 0;
	const char *line;
	int code = ztt_proc_lines_open(lines, AT_FDCWD, "/proc/net/snmp");

	if (code < 0)
		return code;
	while ((line = ztt_proc_lines_next(lines)) != NULL) {
		if (strncmp(line, "Udp: ", 5) != 0)
			continue;
		if (field > 0)
			host->udp_rcvbuf_errors += ztt_proc_field(line, field);
		field = column(line, "RcvbufErrors");
	}
	ztt_proc_lines_close(lines);
	return 0;
}

static void read_snmp6(struct ztt_proc_lines *lines, struct ztt_cpu_host *host)
{
	static const char key[] = "Udp6RcvbufErrors";
	const char *line;

	if (ztt_proc_lines_open(lines, AT_FDCWD, "/proc/net/snmp6") < 0)
		return; /* a kernel without IPv6 */
	while ((line = ztt_proc_lines_next(lines)) != NULL)
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			host->udp_rcvbuf_errors += ztt_proc_field(line, 1);
	ztt_proc_lines_close(lines);
}

int ztt_cpu_host_sample(struct ztt_cpu_host *ret_host, struct ztt_err *err)
{
	struct ztt_cpu_host host = {.at_ns = ztt_clock_ns()};
	struct ztt_proc_lines lines;
	int code = read_stat(&lines, &host);

	if (code < 0)
		return ztt_err_set(err, code, "cannot read /proc/stat: %s",
				   strerror(-code));
	code = read_snmp(&lines, &host);
	if (code < 0)
		return ztt_err_set(err, code, "cannot read /proc/net/snmp: %s",
				   strerror(-code));
	read_snmp6(&lines, &host);
	*ret_host = host;
	return 0;
}

void ztt_cpu_host_window(const struct ztt_cpu_host *begin,
			 const struct ztt_cpu_host *end,
			 struct ztt_cpu_host *ret_window)
{
	struct ztt_cpu_host window = {
		.at_ns = minus(end->at_ns, begin->at_ns),
		.cores_online = end->cores_online,
		.user_ns = minus(end->user_ns, begin->user_ns),
		.system_ns = minus(end->system_ns, begin->system_ns),
		.softirq_ns = minus(end->softirq_ns, begin->softirq_ns),
		.irq_ns = minus(end->irq_ns, begin->irq_ns),
		.steal_ns = minus(end->steal_ns, begin->steal_ns),
		/* iowait among it may go backwards (proc(5)). */
		.idle_ns = minus(end->idle_ns, begin->idle_ns),
		.udp_rcvbuf_errors =
			minus(end->udp_rcvbuf_errors, begin->udp_rcvbuf_errors),
	};

	*ret_window = window;
}
