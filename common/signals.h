/* The signals that ask a process to end, as something to wait for. */
#ifndef ZTT_SIGNALS_H
#define ZTT_SIGNALS_H

struct ztt_err;

/* From here on SIGINT, SIGTERM and SIGHUP (but what is ignored, as by nohup)
 * make the descriptor readable in place of ending the process, and SIGPIPE does
 * nothing. Call before any thread starts. A non-blocking signalfd(2), or
 * -errno. */
int ztt_signals_open(struct ztt_err *err);

#endif
