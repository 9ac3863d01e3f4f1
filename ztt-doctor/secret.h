/* Secrets in text from outside: what is told to people never holds one. */
#ifndef ZTT_DOCTOR_SECRET_H
#define ZTT_DOCTOR_SECRET_H

#include <stddef.h>

/* Hides in place what looks like one: name and password of a URL, and the rest
 * of a word that begins as base64 of JSON does ("eyJ": tunnel tokens, JWTs).
 * Returns `text`, which never grows. */
char *ztt_secret_hide(char *text);

/* Hides every occurrence of a secret that is known; NULL or "": none. */
char *ztt_secret_hide_known(char *text, const char *secret);

/* A copy of a service or host as a user wrote it, cut to cap_bytes, without
 * name and password, also where there is no scheme before them; one that is a
 * long word of base64, with letters of both cases and digits, is what somebody
 * pasted into the wrong place: 8 characters of it and "...". Returns `out`. */
char *ztt_secret_hide_login(const char *text, char *out, size_t cap_bytes);

#endif
