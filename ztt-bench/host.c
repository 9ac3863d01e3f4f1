#define _GNU_SOURCE
#include "ztt-bench/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/proc_lines.h"
#include "common/text.h"

/* The text behind `separator` of the first line that begins with `key`. */
static void read_value(const char *path, const char *key, char separator,
		       char *out, size_t cap_bytes)
{
	struct ztt_proc_lines lines;
	const char *line;

	snprintf(out, cap_bytes, "unknown");
	if (ztt_proc_lines_open(&lines, AT_FDCWD, path) < 0)
		return;
	while ((line = ztt_proc_lines_next(&lines))) {
		const char *value = strchr(line, separator);

		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		value += 1 + strspn(value + 1, " \"'");
		snprintf(out, cap_bytes, "%.*s", (int)strcspn(value, "\"'"),
			 value);
		break;
	}
	ztt_proc_lines_close(&lines);
	ztt_text_plain(out);
}

void ztt_host_read(struct ztt_host *ret_host)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname name;

	memset(ret_host, 0, sizeof(*ret_host));
	ret_host->cores = cores > 0 ? (unsigned)cores : 1;
	read_value("/proc/cpuinfo", "model name", ':', ret_host->cpu,
		   sizeof(ret_host->cpu));
	read_value("/etc/os-release", "PRETTY_NAME", '=', ret_host->os,
		   sizeof(ret_host->os));
	if (uname(&name) == 0) {
		snprintf(ret_host->kernel, sizeof(ret_host->kernel), "%s",
			 name.release);
		snprintf(ret_host->machine, sizeof(ret_host->machine), "%s",
			 name.machine);
	}
}
