/* A real edge on loopback: $ZTT_BENCH's, as a child of the test. */
#ifndef ZTT_TESTS_EDGE_PEER_H
#define ZTT_TESTS_EDGE_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"

static struct edge_peer {
	struct ztt_child child;
	char address[64]; /* HOST:PORT of its connectors */
	char dir[32], ca[128], credentials[128];
} edge_peer;

/* Listens at `listen`; skips the test where there is no ztt-bench. */
static inline void edge_peer_start(const char *listen)
{
	const char *path = getenv("ZTT_BENCH");
	static const char mark[] = "connectors on UDP ";
	struct edge_peer *edge = &edge_peer;
	char listen_copy[64];
	char *argv[] = {
		"ztt-bench", "edge",        "--listen",      listen_copy,
		"--http",    "127.0.0.1:0", "--threads",     "1",
		"--ca",      edge->ca,      "--credentials", edge->credentials,
		NULL};
	const struct ztt_child_plan plan = {.name = "edge",
					    .path = path,
					    .argv = argv};
	uint64_t due_ns = ztt_clock_ns() + 20 * ZTT_NS_PER_S;
	struct ztt_err err;
	const char *at;

	if (!path) {
		print_message("# skip: ZTT_BENCH names no ztt-bench\n");
		skip();
	}
	memset(edge, 0, sizeof(*edge));
	snprintf(listen_copy, sizeof(listen_copy), "%s", listen);
	snprintf(edge->dir, sizeof(edge->dir), "/tmp/ztt-edge.XXXXXX");
	assert_non_null(mkdtemp(edge->dir));
	snprintf(edge->ca, sizeof(edge->ca), "%.31s/ca.pem", edge->dir);
	snprintf(edge->credentials, sizeof(edge->credentials), "%.31s/c.json",
		 edge->dir);
	if (ztt_child_start(&plan, &edge->child, &err) < 0)
		fail_msg("%s", err.text);
	for (;;) {
		ztt_child_poll(&edge->child);
		at = memmem(edge->child.log, edge->child.log_len_bytes, mark,
			    sizeof(mark) - 1);
		if (at && memmem(edge->child.log, edge->child.log_len_bytes,
				 "ask for something", 17))
			break;
		if (edge->child.ended || ztt_clock_ns() > due_ns)
			fail_msg("no edge: %.*s",
				 (int)edge->child.log_len_bytes,
				 edge->child.log);
		usleep(1000);
	}
	assert_int_equal(sscanf(at + sizeof(mark) - 1, "%63[^, ]",
				edge->address),
			 1);
}

static inline void edge_peer_stop(void)
{
	if (!edge_peer.dir[0])
		return;
	ztt_child_stop(&edge_peer.child, 5 * ZTT_NS_PER_S);
	unlink(edge_peer.ca);
	unlink(edge_peer.credentials);
	rmdir(edge_peer.dir);
	memset(&edge_peer, 0, sizeof(edge_peer));
}

#endif
