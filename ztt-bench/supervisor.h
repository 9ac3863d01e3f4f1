/* The processes of one run: started, listened to and stopped together, so that
 * none is left behind whatever happens to any of them. */
#ifndef ZTT_BENCH_SUPERVISOR_H
#define ZTT_BENCH_SUPERVISOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/child.h"
#include "ztt-bench/account/account.h"

struct ztt_argv;
struct ztt_err;

/* One process. `fds` of its plan begin at descriptor 3 in the child; the
 * control socket comes first, as descriptor ZTT_SUPERVISED_CONTROL_FD. */
#define ZTT_SUPERVISED_CONTROL_FD 3

struct ztt_supervised {
	struct ztt_child child;
	int control_fd; /* -1: none, or it ended */
	bool started;
};

/* Plain storage of the caller: 132 KB. */
struct ztt_supervisor {
	struct ztt_supervised parts[ZTT_PARTS];
	int signal_fd; /* of SIGINT, SIGTERM, SIGHUP; not its own */
	/* Called with every record a part sends; sets `done` to end the wait.
	 * A negative errno value with a sentence ends it too. */
	int (*event)(struct ztt_supervisor *supervisor, enum ztt_part part,
		     const json_t *record, struct ztt_err *err);
	bool done;
	enum ztt_part failed; /* the part that ended the wait, or ZTT_PARTS */
};

void ztt_supervisor_init(struct ztt_supervisor *supervisor, int signal_fd);

/* Starts `part`. In `plan`, `path` NULL is this program itself, and `keep_fds`
 * follow the control socket, as descriptors 4, 5, ... . As ztt_child_start. */
int ztt_supervisor_start(struct ztt_supervisor *supervisor, enum ztt_part part,
			 const struct ztt_child_plan *plan,
			 struct ztt_err *err);

/* Polls everything until `done`, which it clears first, or `due_ns`. Logs are
 * drained meanwhile. -ETIMEDOUT: it is `due_ns` (no sentence); -EINTR: a signal
 * came; -ECHILD: a part ended (`failed` says which); -EPROTO: a part sent
 * nonsense; or what `event` returned. */
int ztt_supervisor_wait(struct ztt_supervisor *supervisor, uint64_t due_ns,
			struct ztt_err *err);

/* Stops what runs, the load first, the origin last. At most a few seconds. */
void ztt_supervisor_stop(struct ztt_supervisor *supervisor);

#endif
