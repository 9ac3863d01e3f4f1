#include <stdarg.h>
#include <stdio.h>

#include "ztt-bench/parts/agent/agent.h"
#include "ztt-bench/parts/part.h"

void ztt_agent_say(struct ztt_agent *agent, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	if (agent->quiet)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(stderr, "agent: %s\n", line);
}

/* The first failure is the one that is told. */
void ztt_agent_fail(struct ztt_agent *agent, const char *fmt, ...)
{
	va_list args;

	if (atomic_exchange(&agent->failed, true))
		return;
	va_start(args, fmt);
	vsnprintf(agent->why, sizeof(agent->why), fmt, args);
	va_end(args);
	ztt_part_stop();
}
