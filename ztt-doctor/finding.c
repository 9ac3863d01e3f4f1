#include "ztt-doctor/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "ztt-doctor/secret.h"

static const char *const status_names[] = {
	[ZTT_STATUS_OK] = "ok",           [ZTT_STATUS_SKIP] = "skip",
	[ZTT_STATUS_UNKNOWN] = "unknown", [ZTT_STATUS_WARN] = "warn",
	[ZTT_STATUS_FAIL] = "fail",
};

const char *ztt_status_name(enum ztt_status status)
{
	return status_names[status];
}

/* A character that was cut in two at the end is no UTF-8, and becomes '?'. */
static void write_plain(char *out, size_t cap_bytes, const char *fmt,
			va_list args)
{
	if (vsnprintf(out, cap_bytes, fmt, args) < 0)
		out[0] = 0;
	ztt_text_plain(ztt_secret_hide(out));
}

void ztt_finding_note(struct ztt_finding *finding, enum ztt_status status,
		      const char *fmt, ...)
{
	size_t len = strlen(finding->observed);
	size_t room = sizeof(finding->observed) - len;
	va_list args;

	if (len > 0 && room > 8) {
		memcpy(finding->observed + len, "; ", 3);
		len += 2;
		room -= 2;
	}
	va_start(args, fmt);
	if (room > 4)
		write_plain(finding->observed + len, room, fmt, args);
	va_end(args);
	if (!finding->concluded || status > finding->status)
		finding->status = status;
	finding->concluded = true;
}

void ztt_finding_unread(struct ztt_finding *finding, const char *path, int rc,
			const char *needs)
{
	bool denied = rc == -EACCES || rc == -EPERM;

	ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "cannot read %s: %s%s%s",
			 path,
			 rc == -EFBIG     ? "longer than such a file can be"
			 : rc == -EILSEQ  ? "binary data"
			 : rc == -EINVAL  ? "not as it should be"
			 : rc == -EBADMSG ? "broken"
			 : rc == -ENOKEY  ? "encrypted"
					  : strerror(-rc),
			 denied ? "; needs " : "",
			 denied ? (needs ? needs : "root") : "");
}

void ztt_finding_expect(struct ztt_finding *finding, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_plain(finding->expected, sizeof(finding->expected), fmt, args);
	va_end(args);
}

void ztt_finding_advise(struct ztt_finding *finding, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_plain(finding->advice, sizeof(finding->advice), fmt, args);
	va_end(args);
}

static struct ztt_action *add_action(struct ztt_finding *finding,
				     enum ztt_action_kind kind,
				     const char *target)
{
	struct ztt_action *action;

	if (finding->action_count == ZTT_FINDING_ACTIONS_MAX ||
	    strlen(target) >= sizeof(action->target))
		return NULL;
	action = &finding->actions[finding->action_count++];
	memset(action, 0, sizeof(*action));
	action->kind = kind;
	snprintf(action->target, sizeof(action->target), "%s", target);
	return action;
}

void ztt_finding_sysctl(struct ztt_finding *finding, const char *key,
			const char *old, const char *value)
{
	struct ztt_action *action = add_action(finding, ZTT_ACTION_SYSCTL, key);

	if (!action)
		return;
	snprintf(action->old, sizeof(action->old), "%s", old);
	snprintf(action->value, sizeof(action->value), "%s", value);
}

void ztt_finding_mode(struct ztt_finding *finding, const char *path, mode_t old,
		      mode_t mode)
{
	struct ztt_action *action = add_action(finding, ZTT_ACTION_MODE, path);

	if (!action)
		return;
	snprintf(action->old, sizeof(action->old), "%04o",
		 (unsigned)(old & 07777));
	snprintf(action->value, sizeof(action->value), "%04o",
		 (unsigned)(mode & 07777));
}
