/* Between the files of the text report. */
#ifndef ZTT_CAPTURE_TEXT_PAGE_H
#define ZTT_CAPTURE_TEXT_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "ztt-capture/analysis/connection.h"

#define ZTT_BOLD "\033[1m"
#define ZTT_PLAIN "\033[0m"

struct ztt_page {
	const struct ztt_capture *capture;
	FILE *out;
	bool color, verbose;
};

/* "  label       text", wrapped at 80 columns. */
__attribute__((format(printf, 3, 4))) void
ztt_page_labelled(const struct ztt_page *page, const char *label,
		  const char *fmt, ...);
/* Appends to the text in `out`; what does not fit is left out. */
__attribute__((format(printf, 3, 4))) void
ztt_page_append(char *out, size_t cap_bytes, const char *fmt, ...);

/* One connection's block, and the empty line after it. */
void ztt_page_connection(const struct ztt_page *page,
			 const struct ztt_connection *connection);
/* Its two directions. */
void ztt_page_table(const struct ztt_page *page,
		    const struct ztt_connection *connection);
/* The rest of their figures. */
void ztt_page_more(const struct ztt_page *page,
		   const struct ztt_connection *connection);

#endif
