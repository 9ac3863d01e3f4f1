#include "ztt-bench/engine.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

#define ZTT_ENGINE(name) extern const struct ztt_engine ztt_engine_##name;
#include "ztt-bench/engines.def"
#undef ZTT_ENGINE

#define ZTT_ENGINE(name) &ztt_engine_##name,
const struct ztt_engine *const ztt_engines[] = {
#include "ztt-bench/engines.def"
	NULL,
};
#undef ZTT_ENGINE

struct choice {
	const char *path;
	const struct ztt_engine **engines;
	struct ztt_engine_found *found;
	size_t count;
	const char *why;
};

static const struct ztt_engine *engine_called(const char *name, size_t len)
{
	for (const struct ztt_engine *const *at = ztt_engines; *at; at++)
		if (strlen((*at)->name) == len &&
		    strncmp((*at)->name, name, len) == 0)
			return *at;
	return NULL;
}

static int unknown(const char *name, struct ztt_err *err)
{
	struct ztt_near near = {.word = name};

	ztt_near_offer(&near, "auto");
	for (const struct ztt_engine *const *at = ztt_engines; *at; at++)
		ztt_near_offer(&near, (*at)->name);
	if (near.best)
		return ztt_err_set(err, -EINVAL,
				   "there is no engine '%s'; did "
				   "you mean '%s'?",
				   name, near.best);
	return ztt_err_set(err, -EINVAL,
			   "there is no engine '%s'; "
			   "ztt-bench run --list shows them",
			   name);
}

static int add(struct choice *choice, const struct ztt_engine *engine,
	       struct ztt_err *err)
{
	int rc;

	for (size_t i = 0; i < choice->count; i++)
		if (choice->engines[i] == engine)
			return ztt_err_set(err, -EINVAL,
					   "engine %s is named twice",
					   engine->name);
	if (choice->count == ZTT_ENGINES_MAX)
		return ztt_err_set(err, -EINVAL, "too many engines: at most %d",
				   ZTT_ENGINES_MAX);
	rc = engine->find(choice->path, &choice->found[choice->count], err);
	if (rc == 0)
		choice->engines[choice->count++] = engine;
	return rc;
}

/* A cloudflared that the user named must be there; one in PATH may be. */
static int add_auto(struct choice *choice, struct ztt_err *err)
{
	int rc = add(choice, engine_called("cloudflared", 11), err);

	choice->why = "engine: cloudflared, for it is installed here";
	if (rc != -ENOENT || choice->path)
		return rc;
	choice->why = "engine: reference, for no cloudflared is in PATH "
		      "(--engine-path names one)";
	return add(choice, engine_called("reference", 9), err);
}

int ztt_engines_choose(const char *list, const char *path,
		       const struct ztt_engine *ret_engines[ZTT_ENGINES_MAX],
		       struct ztt_engine_found ret_found[ZTT_ENGINES_MAX],
		       size_t *ret_count, const char **ret_auto,
		       struct ztt_err *err)
{
	struct choice choice = {.path = path,
				.engines = ret_engines,
				.found = ret_found};
	int rc = 0;

	for (bool more = true; more && rc == 0;) {
		size_t len = strcspn(list, ",");
		const struct ztt_engine *engine = engine_called(list, len);
		char name[32] = "";

		strncat(name, list,
			len < sizeof(name) ? len : sizeof(name) - 1);
		if (engine)
			rc = add(&choice, engine, err);
		else if (strcmp(name, "auto") == 0)
			rc = add_auto(&choice, err);
		else
			rc = unknown(name, err);
		more = list[len];
		list += len + more;
	}
	if (rc == 0) {
		*ret_count = choice.count;
		*ret_auto = choice.why;
	}
	return rc;
}
