/* Exit statuses, the same for every tool. */
#ifndef ZTT_EXIT_H
#define ZTT_EXIT_H

#define ZTT_EXIT_FINE 0
#define ZTT_EXIT_PROBLEM 1 /* it found one */
#define ZTT_EXIT_USAGE 2
#define ZTT_EXIT_UNKNOWN 3 /* it could not find out */

#endif
