#define _GNU_SOURCE
#include "ztt-doctor/host/proc_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/proc_lines.h"

#define COUNTERS_BYTES_MAX (256 * 1024)
#define SOCKETS_FIRST 64

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

static bool begins(const char *line, const char *group)
{
	const size_t len = strlen(group);

	return strncmp(line, group, len) == 0 && line[len] == ':';
}

/* Which field of the line is the word; -1 when none is. */
static int word_index(const char *line, const char *word)
{
	const size_t len = strlen(word);
	int index = 0;

	while (*line && *line != '\n') {
		const size_t here = strcspn(line, " \t\n");

		if (here == len && memcmp(line, word, len) == 0)
			return index;
		line += here;
		line += strspn(line, " \t");
		index++;
	}
	return -1;
}

/* Field `index` of this line alone. */
static bool field_value(const char *line, int index, uint64_t *ret_value)
{
	for (; index > 0; index--) {
		line += strcspn(line, " \t\n");
		line += strspn(line, " \t");
	}
	if (*line < '0' || *line > '9')
		return false;
	*ret_value = strtoull(line, NULL, 10);
	return true;
}

bool ztt_snmp_value(const char *text, const char *group, const char *name,
		    uint64_t *ret_value)
{
	for (const char *line = text; *line; line = next_line(line)) {
		const char *values = next_line(line);
		int index;

		if (!begins(line, group))
			continue;
		index = word_index(line, name);
		return index > 0 && begins(values, group) &&
		       field_value(values, index, ret_value);
	}
	return false;
}

bool ztt_snmp6_value(const char *text, const char *name, uint64_t *ret_value)
{
	for (const char *line = text; *line; line = next_line(line))
		if (word_index(line, name) == 0)
			return field_value(line, 1, ret_value);
	return false;
}

static uint64_t value6(const char *text, const char *name)
{
	uint64_t value = 0;

	ztt_snmp6_value(text, name, &value);
	return value;
}

static bool add_v4(const char *text, struct ztt_udp_counters *counters)
{
	ztt_snmp_value(text, "Udp", "OutDatagrams", &counters->sent);
	ztt_snmp_value(text, "Udp", "SndbufErrors",
		       &counters->send_buffer_errors);
	return ztt_snmp_value(text, "Udp", "InDatagrams",
			      &counters->received) &&
	       ztt_snmp_value(text, "Udp", "InErrors", &counters->in_errors) &&
	       ztt_snmp_value(text, "Udp", "RcvbufErrors",
			      &counters->receive_buffer_errors);
}

static void add_v6(const char *text, struct ztt_udp_counters *counters)
{
	counters->received += value6(text, "Udp6InDatagrams");
	counters->sent += value6(text, "Udp6OutDatagrams");
	counters->in_errors += value6(text, "Udp6InErrors");
	counters->receive_buffer_errors += value6(text, "Udp6RcvbufErrors");
	counters->send_buffer_errors += value6(text, "Udp6SndbufErrors");
}

int ztt_udp_counters_read(const struct ztt_root *root,
			  struct ztt_udp_counters *ret_counters)
{
	struct ztt_udp_counters counters = {0};
	size_t len;
	char *text;
	bool found;
	int rc = ztt_root_load(root, "/proc/net/snmp", COUNTERS_BYTES_MAX,
			       &text, &len);

	if (rc < 0)
		return rc;
	found = add_v4(text, &counters);
	free(text);
	if (!found)
		return -EINVAL;
	if (ztt_root_load(root, "/proc/net/snmp6", COUNTERS_BYTES_MAX, &text,
			  &len) == 0) {
		add_v6(text, &counters);
		free(text);
	}
	*ret_counters = counters;
	return 0;
}

/* "0100007F:1EA4": the port in hexadecimal after the last colon. */
static bool parse_port(const char *address, uint16_t *ret_port)
{
	const char *colon = strrchr(address, ':');
	unsigned long port;
	char *end;

	if (!colon || !colon[1])
		return false;
	port = strtoul(colon + 1, &end, 16);
	if (*end || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* sl local remote st queues timer retrnsmt uid timeout inode ref pointer drops */
static bool parse_socket(char *line, struct ztt_udp_socket *ret_socket)
{
	struct ztt_udp_socket found = {0};
	char *fields[13], *field;
	size_t count = 0;

	while (count < 13 && (field = strsep(&line, " \t")))
		if (*field)
			fields[count++] = field;
	if (count < 13 || !parse_port(fields[1], &found.local_port) ||
	    !parse_port(fields[2], &found.remote_port))
		return false;
	found.inode = ztt_proc_field(fields[9], 0);
	found.drops = ztt_proc_field(fields[12], 0);
	*ret_socket = found;
	return found.inode != 0;
}

static void append(struct ztt_udp_sockets *sockets,
		   const struct ztt_udp_socket *found)
{
	const size_t count = sockets->count;

	/* Room is doubled whenever it is a power of two that is full. */
	if (count == 0 || (count >= SOCKETS_FIRST && !(count & (count - 1))))
		sockets->list =
			ztt_realloc(sockets->list,
				    (count ? count * 2 : SOCKETS_FIRST) *
					    sizeof(*sockets->list));
	sockets->list[sockets->count++] = *found;
}

/* Within one file no inode comes twice, so only what was there before is
 * looked through. */
void ztt_udp_sockets_add(struct ztt_udp_sockets *sockets, char *text)
{
	const struct ztt_udp_sockets before = *sockets;
	struct ztt_udp_socket found;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (sockets->count >= ZTT_UDP_SOCKETS_MAX)
			return;
		if (!parse_socket(line, &found))
			continue;
		if (before.count == 0 ||
		    !ztt_udp_sockets_find(
			    &(struct ztt_udp_sockets){sockets->list,
						      before.count},
			    found.inode))
			append(sockets, &found);
	}
}

struct ztt_udp_socket *
ztt_udp_sockets_find(const struct ztt_udp_sockets *sockets, uint64_t inode)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->list[i].inode == inode)
			return &sockets->list[i];
	return NULL;
}

void ztt_udp_sockets_release(struct ztt_udp_sockets *sockets)
{
	free(sockets->list);
	*sockets = (struct ztt_udp_sockets){0};
}
