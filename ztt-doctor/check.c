#include "ztt-doctor/check.h"

#define ZTT_CHECK(group_, name, needs_, impact_, title_, expected_, why_, \
		  advice_, source_)                                       \
	{.id = #group_ "." #name,                                         \
	 .group = #group_,                                                \
	 .needs = (needs_),                                               \
	 .impact = (impact_),                                             \
	 .title = (title_),                                               \
	 .expected = (expected_),                                         \
	 .why = (why_),                                                   \
	 .advice = (advice_),                                             \
	 .source = (source_),                                             \
	 .run = ztt_check_##group_##_##name},

const struct ztt_check ztt_checks[] = {
#include "ztt-doctor/checks.def"
	{.id = NULL},
};
