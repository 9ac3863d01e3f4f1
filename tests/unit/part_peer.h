/* A part of ztt-bench as a child of the test: the test's own program, started
 * again with the part's name. And plain TCP to talk to it. */
#ifndef ZTT_TESTS_PART_PEER_H
#define ZTT_TESTS_PART_PEER_H

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/child.h"
#include "quic_peer.h"
#include "ztt-bench/control.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#define PART_ARGS_MAX 24
#define GRACE_NS (10 * ZTT_NS_PER_S)

static struct part {
	struct ztt_child child;
	int control_fd;
	unsigned ready, registered, lost; /* events so far */
	char address[ZTT_ADDRESS_LEN], http[ZTT_ADDRESS_LEN];
	char folder[32], ca[64], credentials[64];
} part;

static inline void part_folder(void)
{
	snprintf(part.folder, sizeof(part.folder), "/tmp/ztt-test-XXXXXX");
	assert_non_null(mkdtemp(part.folder));
	snprintf(part.ca, sizeof(part.ca), "%s/ca.pem", part.folder);
	snprintf(part.credentials, sizeof(part.credentials), "%s/cred.json",
		 part.folder);
}

static inline void part_start(const char *name, const char *const *args)
{
	const char *argv[PART_ARGS_MAX] = {"test", name, "--control", "3"};
	struct ztt_child_plan plan = {.name = name,
				      .path = "/proc/self/exe",
				      .keep_count = 1};
	size_t count = 4;
	int fd;

	while (*args && count < PART_ARGS_MAX - 1)
		argv[count++] = *args++;
	plan.argv = (char *const *)(uintptr_t)argv;
	assert_int_equal(ztt_control_pair(&part.control_fd, &fd, &err), 0);
	plan.keep_fds[0] = fd;
	if (ztt_child_start(&plan, &part.child, &err) < 0)
		fail_msg("%s", err.text);
	close(fd);
}

static inline void part_event(const json_t *record)
{
	const char *event = ztt_control_event(record);
	const char *address =
		json_string_value(json_object_get(record, "address"));
	const char *http = json_string_value(json_object_get(record, "http"));

	part.ready += strcmp(event, "ready") == 0;
	part.registered += strcmp(event, "registered") == 0;
	part.lost += strcmp(event, "lost") == 0;
	if (address)
		snprintf(part.address, sizeof(part.address), "%s", address);
	if (http)
		snprintf(part.http, sizeof(part.http), "%s", http);
}

/* Takes in what it has told and printed. */
static inline const struct part *part_poll(void)
{
	json_t *record;

	while (ztt_control_receive(part.control_fd, &record, &err) == 1) {
		part_event(record);
		json_decref(record);
	}
	ztt_child_poll(&part.child);
	return &part;
}

/* Ends it; 0 when its exit status was that, and no sanitizer spoke. */
static inline int part_end(int status)
{
	char text[ZTT_CHILD_LOG_BYTES], how[128];
	int rc = 0;

	ztt_child_stop(&part.child, GRACE_NS);
	if (!WIFEXITED(part.child.status) ||
	    WEXITSTATUS(part.child.status) != status ||
	    memmem(part.child.log, part.child.log_len_bytes, "Sanitizer", 9)) {
		print_error("%s %s\n%s", part.child.name,
			    ztt_child_end(&part.child, how, sizeof(how)),
			    ztt_child_last_lines(&part.child, 60, text,
						 sizeof(text)));
		rc = -1;
	}
	close(part.control_fd);
	unlink(part.ca);
	unlink(part.credentials);
	rmdir(part.folder);
	memset(&part, 0, sizeof(part));
	return rc;
}

static inline bool part_said(const char *text)
{
	ztt_child_poll(&part.child);
	return memmem(part.child.log, part.child.log_len_bytes, text,
		      strlen(text));
}

static inline size_t part_descriptors(void)
{
	char path[64];
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)part.child.pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

/* The most that it ever held in memory. */
static inline uint64_t part_peak_bytes(void)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)part.child.pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib << 10;
}

/* --- TCP ----------------------------------------------------------------- */

struct tcp {
	int fd;
	const char *out; /* what is still to be sent */
	size_t out_len;
	char *text; /* what was received, ended by NUL */
	size_t len, cap;
	bool eof;
	int error;
};

static inline struct tcp tcp_of(int fd)
{
	return (struct tcp){.fd = fd, .text = calloc(1, 1), .cap = 1};
}

static inline struct tcp tcp_connect(const char *address)
{
	struct ztt_address to;
	int fd = -1;

	assert_int_equal(ztt_address_parse_numeric(address, &to, &err), 0);
	assert_int_equal(ztt_tcp_connect(&to, &fd, &err), 0);
	return tcp_of(fd);
}

/* `text` must stay until it is sent. */
static inline void tcp_send(struct tcp *tcp, const char *text)
{
	assert_int_equal(tcp->out_len, 0);
	tcp->out = text;
	tcp->out_len = strlen(text);
}

/* Sends and receives what there is now. */
static inline const struct tcp *tcp_poll(struct tcp *tcp)
{
	ssize_t n = 0;

	if (tcp->out_len)
		n = send(tcp->fd, tcp->out, tcp->out_len, MSG_NOSIGNAL);
	if (n > 0) {
		tcp->out += n;
		tcp->out_len -= (size_t)n;
	}
	do {
		if (tcp->cap < tcp->len + 65536) {
			tcp->cap = 2 * tcp->len + 65537;
			tcp->text = realloc(tcp->text, tcp->cap);
		}
		n = recv(tcp->fd, tcp->text + tcp->len, tcp->cap - tcp->len - 1,
			 MSG_DONTWAIT);
		if (n > 0)
			tcp->len += (size_t)n;
	} while (n > 0);
	tcp->text[tcp->len] = '\0';
	tcp->eof |= n == 0;
	if (n < 0 && errno != EAGAIN)
		tcp->error = errno;
	return tcp;
}

static inline bool tcp_is_over(struct tcp *tcp)
{
	tcp_poll(tcp);
	return tcp->eof || tcp->error;
}

static inline bool tcp_has(struct tcp *tcp, const char *text)
{
	tcp_poll(tcp);
	return strstr(tcp->text, text);
}

static inline void tcp_close(struct tcp *tcp)
{
	if (tcp->fd >= 0)
		close(tcp->fd);
	free(tcp->text);
	*tcp = (struct tcp){.fd = -1};
}

/* Closes with a RST. */
static inline void tcp_break(struct tcp *tcp)
{
	const struct linger linger = {1, 0};

	setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	tcp_close(tcp);
}

#endif
