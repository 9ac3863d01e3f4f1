/* The version of the toolkit, and how --version prints it. */
#ifndef ZTT_VERSION_H
#define ZTT_VERSION_H

#define ZTT_VERSION "0.1.0"

#endif
