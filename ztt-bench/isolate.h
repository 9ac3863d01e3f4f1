/* A network of a run's own. */
#ifndef ZTT_BENCH_ISOLATE_H
#define ZTT_BENCH_ISOLATE_H

struct ztt_err;

/* Moves this process, and with it every part that it starts from here on, into
 * a network namespace that has nothing but a loopback interface: whatever an
 * engine asks for, nothing leaves this host, no port is in use and every counter
 * begins at zero. The namespace ends with its last process. Needs CAP_SYS_ADMIN
 * or unprivileged user namespaces (network_namespaces(7), user_namespaces(7)),
 * and a process with one thread. On failure nothing has changed: -errno, with
 * what is not permitted. */
int ztt_isolate(struct ztt_err *err);

#endif
