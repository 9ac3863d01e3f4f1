#include "ztt-doctor/report/report.h"

#include <string.h>

#define ZTT_FORMAT(name_, what_, exit_) \
	{.name = #name_,                \
	 .what = (what_),               \
	 .write = ztt_write_##name_,    \
	 .exit = (exit_)},

const struct ztt_format ztt_formats[] = {
#include "ztt-doctor/report/formats.def"
	{.name = NULL},
};

const struct ztt_format *ztt_format_find(const char *name)
{
	for (const struct ztt_format *at = ztt_formats; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

int ztt_format_exit(const struct ztt_format *format,
		    const struct ztt_audit *audit)
{
	return format->exit ? format->exit(audit) : ztt_audit_exit(audit);
}
