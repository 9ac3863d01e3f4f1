#include "ztt-doctor/fix/fix.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* Number by number: "4096 131072 6291456". */
static bool is_larger(const char *a, const char *b)
{
	for (;;) {
		char *end_a, *end_b;
		long long value_a = strtoll(a, &end_a, 10);
		long long value_b = strtoll(b, &end_b, 10);

		if (end_a == a || end_b == b)
			return false;
		if (value_a != value_b)
			return value_a > value_b;
		a = end_a;
		b = end_b;
	}
}

static bool is_stricter(const struct ztt_action *a, const struct ztt_action *b)
{
	if (a->kind == ZTT_ACTION_SYSCTL)
		return is_larger(a->value, b->value);
	return strtoul(a->value, NULL, 8) < strtoul(b->value, NULL, 8);
}

static void add(struct ztt_fix_plan *plan, const struct ztt_action *action)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct ztt_action *at = &plan->actions[i];

		if (at->kind != action->kind ||
		    strcmp(at->target, action->target) != 0)
			continue;
		if (is_stricter(action, at))
			*at = *action;
		return;
	}
	plan->actions = ztt_realloc(plan->actions,
				    (plan->count + 1) * sizeof(*plan->actions));
	plan->actions[plan->count++] = *action;
}

void ztt_fix_plan_add(struct ztt_fix_plan *plan,
		      const struct ztt_finding *finding)
{
	for (size_t i = 0; i < finding->action_count; i++)
		add(plan, &finding->actions[i]);
}

void ztt_fix_plan_release(struct ztt_fix_plan *plan)
{
	free(plan->actions);
	*plan = (struct ztt_fix_plan){0};
}

void ztt_fix_result_release(struct ztt_fix_result *result)
{
	free(result->text);
	*result = (struct ztt_fix_result){0};
}
