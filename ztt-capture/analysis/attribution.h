/* Where packets were lost: what a capture at this host's interface says, joined
 * with what the host and the engine counted meanwhile.
 *
 * An interface shows a packet after the NIC and before the socket. So of a
 * packet on its way to a process of this host:
 * - never seen here: lost on the path before this point, or by the NIC, at most
 *   as many as its rx_missed_errors grew (they count all traffic);
 * - seen and never acknowledged: dropped at the full socket buffer, at least one
 *   packet for each drop the kernel counted (a drop may be a super-datagram of
 *   many); or thrown away by the engine, which counts bytes, not packets; or
 *   lost between this point and the socket (a firewall).
 * Of what a process of this host sent, before and after is all that is known.
 * Counts that cannot be matched packet by packet give bounds, no more. */
#ifndef ZTT_CAPTURE_ATTRIBUTION_H
#define ZTT_CAPTURE_ATTRIBUTION_H

#include <sys/types.h>

#include "ztt-capture/analysis/connection.h"

/* A counter during the capture. */
struct ztt_counted {
	bool known;
	uint64_t grew;
	/* When it was first and last seen to have grown, since the epoch; 0:
	 * never. */
	int64_t first_ns, last_ns;
};

struct ztt_counted_socket {
	struct ztt_endpoint local; /* address 0: all */
	uint64_t inode;
	struct ztt_counted drops;
};

#define ZTT_COUNTED_SOCKETS_MAX 256

struct ztt_host_counts {
	pid_t pid; /* 0: no process was named */
	int64_t begun_ns, ended_ns;
	struct ztt_counted_socket sockets[ZTT_COUNTED_SOCKETS_MAX];
	size_t socket_count;
	struct ztt_counted rcvbuf_errors; /* of all UDP sockets */
	struct ztt_counted nic_missed, nic_dropped;
	/* cloudflared's quic_client_*; lost and too_big are packets */
	struct ztt_counted engine_lost, engine_dropped_bytes, engine_too_big;
	char problem[256]; /* why something could not be read any more */
};

enum ztt_place {
	ZTT_PLACE_PATH_BEFORE,
	ZTT_PLACE_NIC,
	ZTT_PLACE_SOCKET,
	ZTT_PLACE_ENGINE,
	ZTT_PLACE_PATH_AFTER,
	ZTT_PLACES,
};

#define ZTT_MOST_UNKNOWN UINT64_MAX

/* Packets lost at a place. ZTT_GRADE_EXACT: `least` is `most`; _UNKNOWN:
 * neither means anything. */
struct ztt_share {
	uint64_t least, most;
	enum ztt_grade grade;
};

struct ztt_attributed {
	const struct ztt_connection *connection;
	/* up, down: which of them ends at a socket of the process; neither:
	 * the connection is not the process's */
	bool ends_here[2];
	uint64_t socket_drops; /* of that socket */
	struct ztt_share places[2][ZTT_PLACES];
};

struct ztt_attribution {
	const struct ztt_host_counts *counts;
	struct ztt_attributed *connections; /* those over UDP */
	size_t connection_count;
	uint64_t unopened; /* packets without a key, which may be any that is
			      missing */
	struct ztt_share sum[ZTT_PLACES];
	char sentence[256]; /* where most was lost */
};

/* Both are borrowed and must outlive it. */
struct ztt_attribution *
ztt_attribution_new(const struct ztt_capture *capture,
		    const struct ztt_host_counts *counts);
void ztt_attribution_free(struct ztt_attribution *attribution);

/* The process's sockets' drops together. */
struct ztt_counted ztt_socket_drops(const struct ztt_host_counts *counts);
/* "path_before", "nic", "socket", "engine", "path_after": as in JSON. */
const char *ztt_place_name(enum ztt_place place);

#endif
