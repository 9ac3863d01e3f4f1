#define _GNU_SOURCE
#include "ztt-doctor/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/exit.h"
#include "ztt-doctor/probes/http.h"
#include "ztt-doctor/report/report.h"

#define AT(field) offsetof(struct ztt_doctor_settings, field)
#define MINUTE_NS (60 * ZTT_NS_PER_S)
#define FORMATS "text|json|junit|tap|prometheus|nagios|sarif"

const struct ztt_opt_help ztt_doctor_help = {
	.usage = "ztt-doctor [options] [CHECK...]\n"
		 "       ztt-doctor read [options] BUNDLE.zip",
	.purpose = "Is this host fit to carry a tunnel, and what do I change?\n"
		   "CHECK is an id or a group, such as udp.rmem_max or egress.",
	.examples =
		"  ztt-doctor                    audit this host and its way to "
		"the edge\n"
		"  ztt-doctor --offline          contact nobody\n"
		"  ztt-doctor --fix --dry-run    what would --fix change? "
		"--undo goes back\n"
		"  ztt-doctor --explain egress.udp\n"
		"  ztt-doctor read cloudflared-diag-*.zip    another host's "
		"bundle",
};

const struct ztt_opt_help ztt_doctor_read_help = {
	.usage = "ztt-doctor read [options] BUNDLE.zip",
	.purpose = "Audit what `cloudflared tunnel diag` wrote on another "
		   "host.",
	.examples = "  ztt-doctor read cloudflared-diag-2026-11-22.zip",
};

/* clang-format off */
#define REPORT_ROWS                                                            \
	{.name = "strict", .help = "a warning is a failure, too",              \
	 .offset = AT(strict)},                                                \
	{.name = "skip", .type = ZTT_OPT_STRING, .arg = "CHECKS",              \
	 .help = "leave out these checks or groups: ID,GROUP,...",             \
	 .offset = AT(skip)},                                                  \
	{.name = "format", .letter = 'f', .type = ZTT_OPT_CHOICE,              \
	 .arg = "NAME", .choices = FORMATS, .preset = "text",                  \
	 .help = "how the report is written",        \
	 .offset = AT(format)},                                                \
	{.name = "json", .letter = 'j', .type = ZTT_OPT_STRING, .arg = "FILE", \
	 .help = "write the result as JSON too (\"-\": in place of the text)", \
	 .offset = AT(json)}
/* clang-format on */

const struct ztt_opt ztt_doctor_options[] = {
	{.name = "offline",
	 .letter = 'o',
	 .help = "contact no other host",
	 .offset = AT(plan.offline)},
	REPORT_ROWS,
	{.name = "list",
	 .letter = 'l',
	 .help = "list the checks and end",
	 .offset = AT(list)},
	{.name = "explain",
	 .letter = 'e',
	 .type = ZTT_OPT_STRING,
	 .arg = "ID",
	 .help = "explain a check and end",
	 .offset = AT(explain)},
	{.name = "fix",
	 .help = "mend what can be mended safely, then check again",
	 .offset = AT(fix)},
	{.name = "dry-run",
	 .letter = 'n',
	 .help = "with --fix or --undo: show what it would change",
	 .offset = AT(dry_run)},
	{.name = "undo",
	 .help = "go back to what was before --fix",
	 .offset = AT(undo)},
	{.name = "root",
	 .type = ZTT_OPT_STRING,
	 .arg = "DIR",
	 .help = "audit the copy of a host's files in DIR",
	 .offset = AT(root)},
	{.name = "require",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "WHAT",
	 .choices = "fips",
	 .help = "fail without it",
	 .offset = AT(require)},
	{.name = "target-gbps",
	 .letter = 't',
	 .type = ZTT_OPT_RATE,
	 .arg = "N",
	 .help = "what the tunnel has to carry, in Gbit/s",
	 .offset = AT(plan.target_gbps)},
	{.name = "measure",
	 .help = "run ztt-bench first, and size with what it measures",
	 .offset = AT(measure)},
	{.name = "edge",
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .help = "the edge, in place of what DNS says; several: A,B",
	 .offset = AT(plan.edge)},
	{.name = "region",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "NAME",
	 .choices = "us|fed",
	 .help = "the edge's region, as cloudflared's --region",
	 .offset = AT(plan.region)},
	{.name = "cacert",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "roots to trust in place of the system's, PEM",
	 .offset = AT(plan.ca_file)},
	{.name = "resolver",
	 .type = ZTT_OPT_STRING,
	 .arg = "IP[:PORT]",
	 .help = "in place of /etc/resolv.conf",
	 .offset = AT(plan.resolver)},
	{.name = "dot",
	 .type = ZTT_OPT_STRING,
	 .arg = "IP[:PORT]",
	 .help = "DNS over TLS, in place of 1.1.1.1:853",
	 .offset = AT(plan.dot)},
	{.name = "ntp",
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST[:PORT]",
	 .help = "time server, in place of the configured ones",
	 .offset = AT(plan.ntp)},
	{.name = "api",
	 .type = ZTT_OPT_STRING,
	 .arg = "URL",
	 .help = "in place of https://api.cloudflare.com",
	 .offset = AT(plan.api)},
	{.name = "api-token",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "file with an API token to verify (\"-\": standard input; "
		 "or ZTT_API_TOKEN is set)",
	 .offset = AT(api_token_file)},
	{.name = "oidc",
	 .type = ZTT_OPT_STRING,
	 .arg = "URL",
	 .help = "identity provider (issuer) to check",
	 .offset = AT(plan.oidc)},
	{.name = "engine-path",
	 .type = ZTT_OPT_STRING,
	 .arg = "PATH",
	 .help = "cloudflared, in place of the one in PATH",
	 .offset = AT(plan.engine_path)},
	{.name = "config",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "config.yml, in place of cloudflared's own search",
	 .offset = AT(plan.config)},
	{.name = "unit",
	 .type = ZTT_OPT_STRING,
	 .arg = "NAME",
	 .preset = "cloudflared.service",
	 .help = "the engine's systemd unit",
	 .offset = AT(plan.unit)},
	{.name = "metrics",
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .help = "the engine's metrics, in place of ports 20241 to 20245",
	 .offset = AT(plan.metrics)},
	{.name = "log",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "the engine's log, in place of its own or the journal",
	 .offset = AT(plan.log)},
	{.name = "window",
	 .letter = 'w',
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .min = ZTT_NS_PER_MS,
	 .max = 10 * MINUTE_NS,
	 .help = "how long counters are watched (default 1s, with --offline "
		 "100ms)",
	 .offset = AT(plan.window_ns)},
	{.name = "timeout",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "5s",
	 .min = 10 * ZTT_NS_PER_MS,
	 .max = 10 * MINUTE_NS,
	 .help = "how long a probe waits for its answer",
	 .offset = AT(plan.timeout_ns)},
	ZTT_OPT_COMMON_ROWS(struct ztt_doctor_settings, common),
	{.name = "completion",
	 .type = ZTT_OPT_STRING,
	 .arg = "SHELL",
	 .help = "print the completion for bash, zsh or fish",
	 .hidden = true,
	 .offset = AT(completion)},
	{.name = NULL},
};

const struct ztt_opt ztt_doctor_read_options[] = {
	REPORT_ROWS,
	ZTT_OPT_COMMON_ROWS(struct ztt_doctor_settings, common),
	{.name = NULL},
};

static int read_token(FILE *file, const char *name, char token[ZTT_TOKEN_LEN],
		      struct ztt_err *err)
{
	size_t len = fread(token, 1, ZTT_TOKEN_LEN, file);

	if (len == ZTT_TOKEN_LEN)
		return ztt_err_set(err, -EFBIG, "%s is no API token: too long",
				   name);
	while (len > 0 && strchr(" \t\r\n", token[len - 1]))
		len--;
	token[len] = 0;
	if (len == 0 || strcspn(token, " \t\r\n") != len)
		return ztt_err_set(err, -EINVAL,
				   "%s is no API token: one word is expected",
				   name);
	return 0;
}

static int token_from_file(const char *path, char token[ZTT_TOKEN_LEN],
			   struct ztt_err *err)
{
	FILE *file;
	int rc;

	if (strcmp(path, "-") == 0)
		return read_token(stdin, "the standard input", token, err);
	file = fopen(path, "re");
	if (!file)
		return ztt_err_set(err, -EINVAL,
				   "--api-token: cannot read %s: %s", path,
				   strerror(errno));
	rc = read_token(file, path, token, err);
	fclose(file);
	return rc;
}

/* Children have no use for secrets of the environment: it is emptied, and so
 * is /proc/self/environ. */
static void forget(const char *name)
{
	char *value = getenv(name);

	if (value)
		explicit_bzero(value, strlen(value));
	unsetenv(name);
}

static int find_token(struct ztt_doctor_settings *settings,
		      char token[ZTT_TOKEN_LEN], struct ztt_err *err)
{
	static const char *const secrets[] = {"ZTT_API_TOKEN", "TUNNEL_TOKEN",
					      "TUNNEL_CRED_CONTENTS"};
	const char *variable = getenv("ZTT_API_TOKEN");
	int rc = 0;

	if (settings->api_token_file)
		rc = token_from_file(settings->api_token_file, token, err);
	else if (variable && strlen(variable) >= ZTT_TOKEN_LEN)
		rc = ztt_err_set(err, -EFBIG,
				 "ZTT_API_TOKEN is no API token: too long");
	else if (variable)
		strcpy(token, variable);
	if (token[0])
		settings->plan.api_token = token;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		forget(secrets[i]);
	return rc;
}

int ztt_doctor_settings_finish(struct ztt_doctor_settings *settings,
			       char token[ZTT_TOKEN_LEN], struct ztt_err *err)
{
	int rc;

	if (settings->fix && settings->undo)
		return ztt_err_set(err, -EINVAL,
				   "--fix and --undo exclude each other");
	if (settings->dry_run && !settings->fix && !settings->undo)
		return ztt_err_set(err, -EINVAL,
				   "--dry-run goes with --fix or --undo");
	if (settings->json && settings->undo)
		return ztt_err_set(err, -EINVAL,
				   "--json goes with an audit, not with "
				   "--undo");
	if (settings->json && strcmp(settings->json, "-") == 0 &&
	    strcmp(settings->format, "text") != 0)
		return ztt_err_set(err, -EINVAL,
				   "--json - and --format %s both want the "
				   "standard output",
				   settings->format);
	if (settings->root && settings->measure)
		return ztt_err_set(err, -EINVAL,
				   "--measure needs this host, not --root");
	if (settings->plan.window_ns == 0)
		settings->plan.window_ns = settings->plan.offline
						   ? ZTT_NS_PER_S / 10
						   : ZTT_NS_PER_S;
	settings->plan.require_fips = settings->require != NULL;
	rc = find_token(settings, token, err);
	if (rc == 0 && token[0] && settings->plan.api &&
	    ztt_http_in_clear(settings->plan.api))
		rc = ztt_err_set(err, -EINVAL,
				 "--api: an API token does not go to another "
				 "host in clear; give an https:// URL, or no "
				 "token");
	return rc;
}

int ztt_doctor_usage_exit(const struct ztt_doctor_settings *settings)
{
	return settings->format && strcmp(settings->format, "nagios") == 0
		       ? ZTT_EXIT_UNKNOWN
		       : ZTT_EXIT_USAGE;
}
