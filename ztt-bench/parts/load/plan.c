#define _GNU_SOURCE
#include "ztt-bench/parts/load/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define SIZE_PRESET_BYTES 100000000
#define DURATION_PRESET_NS UINT64_C(5000000000)
#define HTTP "http://"

/* Goes into a request head as it is, so it must not end its line. */
static bool is_one_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static int take_target(struct ztt_load_plan *plan, const char *target,
		       size_t len, struct ztt_err *err)
{
	const char *last = memrchr(target, ']', len);
	char text[ZTT_LOAD_HOST_MAX_BYTES + 8];
	bool has_port;

	if (len == 0 || len > ZTT_LOAD_HOST_MAX_BYTES)
		return ztt_err_set(err, -EINVAL,
				   "the target is not of the form HOST:PORT");
	last = last ? last : target;
	has_port = memchr(last, ':', len - (size_t)(last - target));
	snprintf(text, sizeof(text), "%.*s%s", (int)len, target,
		 has_port ? "" : ":80");
	return ztt_address_parse(text, &plan->target, err);
}

static int take_path(struct ztt_load_plan *plan, const char *path,
		     struct ztt_err *err)
{
	if (path[0] != '/' || !is_one_word(path) ||
	    strlen(path) > ZTT_LOAD_PATH_MAX_BYTES)
		return ztt_err_set(err, -EINVAL,
				   "the path must begin with '/', have no "
				   "blank or control character, and at most %d "
				   "bytes",
				   ZTT_LOAD_PATH_MAX_BYTES);
	strcpy(plan->path, path);
	return 0;
}

static int take_url(struct ztt_load_plan *plan, const char *url,
		    struct ztt_err *err)
{
	size_t len;
	int rc;

	if (strncmp(url, "https://", 8) == 0)
		return ztt_err_set(err, -EINVAL,
				   "%s: the load speaks HTTP without TLS; give "
				   "it an http:// address, such as the edge's",
				   url);
	if (strncmp(url, HTTP, strlen(HTTP)) == 0)
		url += strlen(HTTP);
	len = strcspn(url, "/");
	rc = take_target(plan, url, len, err);
	if (rc == 0 && url[len] && url[len + 1])
		rc = take_path(plan, url + len, err);
	return rc;
}

static int take_where(struct ztt_load_plan *plan,
		      const struct ztt_load_settings *settings, const char *url,
		      struct ztt_err *err)
{
	int rc;

	if (!url == !settings->target)
		return ztt_err_set(err, -EINVAL,
				   "name one target: ztt-bench load "
				   "http://HOST:PORT, or --target HOST:PORT");
	rc = url ? take_url(plan, url, err)
		 : take_target(plan, settings->target, strlen(settings->target),
			       err);
	if (rc == 0 && settings->path)
		rc = take_path(plan, settings->path, err);
	if (rc < 0)
		return rc;
	if (!settings->host[0] || !is_one_word(settings->host) ||
	    strlen(settings->host) > ZTT_LOAD_HOST_MAX_BYTES)
		return ztt_err_set(err, -EINVAL,
				   "--host must be a host name of at most %d "
				   "bytes",
				   ZTT_LOAD_HOST_MAX_BYTES);
	strcpy(plan->host, settings->host);
	return 0;
}

static int take_sizes(struct ztt_load_plan *plan,
		      const struct ztt_load_settings *settings,
		      struct ztt_err *err)
{
	bool sized = settings->size_bytes || settings->mix;

	if (settings->size_bytes && settings->mix)
		return ztt_err_set(err, -EINVAL,
				   "--size and --mix exclude each other");
	if (plan->path[0] && plan->direction == ZTT_LOAD_DOWN)
		return !sized ? 0
			      : ztt_err_set(
					err, -EINVAL,
					"the size of what is fetched from a path is "
					"the origin's: leave out --size and --mix, "
					"or the path");
	if (settings->mix)
		return ztt_load_mix_read(&plan->mix, settings->mix, err);
	return ztt_load_mix_add(&plan->mix, 1,
				settings->size_bytes ? settings->size_bytes
						     : SIZE_PRESET_BYTES,
				err);
}

static int take_amounts(struct ztt_load_plan *plan,
			const struct ztt_load_settings *settings,
			struct ztt_err *err)
{
	if (settings->requests && settings->duration_ns)
		return ztt_err_set(err, -EINVAL,
				   "--requests and --duration exclude each "
				   "other");
	if (!(settings->rate_per_s >= 0) ||
	    settings->rate_per_s > ZTT_LOAD_RATE_MAX_PER_S)
		return ztt_err_set(err, -EINVAL,
				   "--rate takes at most %.0f requests per "
				   "second",
				   ZTT_LOAD_RATE_MAX_PER_S);
	if (plan->direction == ZTT_LOAD_BOTH && settings->streams < 2)
		return ztt_err_set(err, -EINVAL,
				   "--direction both needs two streams or "
				   "more");
	plan->requests = settings->requests;
	plan->duration_ns = settings->duration_ns;
	if (!plan->requests && !plan->duration_ns)
		plan->duration_ns = DURATION_PRESET_NS;
	plan->rate_per_s = settings->rate_per_s;
	plan->warmup_ns = settings->warmup_ns;
	plan->timeout_ns = settings->timeout_ns;
	plan->streams = (unsigned)settings->streams;
	plan->threads = (unsigned)(settings->threads < settings->streams
					   ? settings->threads
					   : settings->streams);
	return 0;
}

static enum ztt_load_direction direction_of(const char *word)
{
	if (strcmp(word, "up") == 0)
		return ZTT_LOAD_UP;
	return strcmp(word, "both") == 0 ? ZTT_LOAD_BOTH : ZTT_LOAD_DOWN;
}

int ztt_load_plan_make(const struct ztt_load_settings *settings,
		       const char *url, struct ztt_load_plan *ret_plan,
		       struct ztt_err *err)
{
	struct ztt_load_plan plan = {0};
	int rc;

	plan.direction = direction_of(settings->direction);
	rc = take_amounts(&plan, settings, err);
	if (rc == 0)
		rc = take_where(&plan, settings, url, err);
	if (rc == 0)
		rc = take_sizes(&plan, settings, err);
	if (rc == 0)
		*ret_plan = plan;
	return rc;
}

bool ztt_load_plan_is_up(const struct ztt_load_plan *plan, unsigned index)
{
	if (plan->direction == ZTT_LOAD_BOTH)
		return index & 1;
	return plan->direction == ZTT_LOAD_UP;
}

unsigned ztt_load_plan_first_stream(const struct ztt_load_plan *plan,
				    unsigned thread)
{
	return (unsigned)((uint64_t)plan->streams * thread / plan->threads);
}
