#define _GNU_SOURCE
#include "ztt-doctor/engine/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/engine/flags.h"
#include "ztt-doctor/engine/yaml_reader.h"
#include "ztt-doctor/secret.h"

#define NAME_SHOWN 64

struct reader {
	struct ztt_yaml yaml;
	struct ztt_config *config;
};

/* The keys of a mapping, for the unknown ones and those given twice. */
static const char *const rule_keys[] = {"hostname", "path", "service",
					"originRequest", NULL};
static const char *const origin_keys[] = {"connectTimeout",
					  "tlsTimeout",
					  "tcpKeepAlive",
					  "noHappyEyeballs",
					  "keepAliveTimeout",
					  "keepAliveConnections",
					  "httpHostHeader",
					  "originServerName",
					  "matchSNItoHost",
					  "caPool",
					  "noTLSVerify",
					  "bastionMode",
					  "disableChunkedEncoding",
					  "proxyAddress",
					  "proxyPort",
					  "proxyType",
					  "ipRules",
					  "http2Origin",
					  "access",
					  NULL};
static const char *const warp_keys[] = {"connectTimeout", "maxActiveFlows",
					"tcpKeepAlive", NULL};
static const char *const top_keys[] = {"tunnel", "ingress", "warp-routing",
				       "originRequest", NULL};

static void take(struct reader *reader, char **ret_text, bool *ret_aliased)
{
	if (reader->yaml.event.type == YAML_ALIAS_EVENT)
		*ret_aliased = true;
	else if (reader->yaml.event.type != YAML_SCALAR_EVENT)
		ztt_yaml_broken(&reader->yaml, ztt_yaml_line(&reader->yaml),
				"a text is expected here");
	free(*ret_text);
	*ret_text = ztt_yaml_scalar(&reader->yaml);
	ztt_yaml_skip(&reader->yaml);
}

static bool take_bool(struct reader *reader)
{
	char *text = ztt_yaml_scalar(&reader->yaml);
	bool value = text && strcasecmp(text, "true") == 0;

	free(text);
	ztt_yaml_skip(&reader->yaml);
	return value;
}

static bool is_in(const char *const *keys, const char *name)
{
	for (; *keys; keys++)
		if (strcmp(*keys, name) == 0)
			return true;
	return false;
}

static void note_unknown(struct reader *reader, const char *name, size_t line,
			 const char *const *keys, bool flags)
{
	struct ztt_config *config = reader->config;
	struct ztt_near near = {.word = name};
	char text[256], shown[NAME_SHOWN];

	if (config->unknown_count == ZTT_CONFIG_UNKNOWN_MAX)
		return;
	for (; *keys; keys++)
		ztt_near_offer(&near, *keys);
	for (const struct ztt_flag *flag = ztt_flags; flags && flag->name;
	     flag++)
		if (flag->in_file)
			ztt_near_offer(&near, flag->name);
	ztt_secret_hide_login(name, shown, sizeof(shown));
	snprintf(text, sizeof(text), "%s (line %zu%s%s%s)",
		 ztt_text_plain(shown), line,
		 near.best ? "; did you mean " : "", near.best ? near.best : "",
		 near.best ? "?" : "");
	config->unknown[config->unknown_count++] = ztt_strdup(text);
}

/* The next key of a mapping, or NULL at its end; then the value is at hand.
 * The caller frees. A merge ("<<") and a key that is no text are passed. */
static char *next_key(struct reader *reader, bool *ret_aliased,
		      size_t *ret_line)
{
	char *name;

	while (!ztt_yaml_at_end(&reader->yaml)) {
		*ret_line = ztt_yaml_line(&reader->yaml);
		name = ztt_yaml_scalar(&reader->yaml);
		if (reader->yaml.event.type == YAML_ALIAS_EVENT)
			*ret_aliased = true;
		ztt_yaml_skip(&reader->yaml);
		if (name && strcmp(name, "<<") != 0)
			return name;
		if (name)
			*ret_aliased = true;
		free(name);
		ztt_yaml_skip(&reader->yaml);
	}
	return NULL;
}

static bool is_mapping(struct reader *reader, const char *name)
{
	char *text;

	if (reader->yaml.event.type == YAML_MAPPING_START_EVENT)
		return true;
	text = ztt_yaml_scalar(&reader->yaml);
	if (reader->yaml.event.type == YAML_SEQUENCE_START_EVENT || text)
		ztt_yaml_broken(&reader->yaml, ztt_yaml_line(&reader->yaml),
				"%s is expected to hold keys and values", name);
	free(text);
	return false;
}

/* originRequest and warp-routing: only the keys are of interest, and two of
 * the values. */
static void read_options(struct reader *reader, const char *name,
			 const char *const *keys, bool *ret_no_tls_verify,
			 bool *ret_bastion)
{
	bool aliased = false;
	size_t line;
	char *key;

	if (!is_mapping(reader, name)) {
		ztt_yaml_skip(&reader->yaml);
		return;
	}
	if (!ztt_yaml_enter(&reader->yaml))
		return;
	while ((key = next_key(reader, &aliased, &line))) {
		if (!is_in(keys, key))
			note_unknown(reader, key, line, keys, false);
		if (ret_no_tls_verify && strcmp(key, "noTLSVerify") == 0)
			*ret_no_tls_verify = take_bool(reader);
		else if (ret_bastion && strcmp(key, "bastionMode") == 0)
			*ret_bastion = take_bool(reader);
		else
			ztt_yaml_skip(&reader->yaml);
		free(key);
	}
	ztt_yaml_leave(&reader->yaml);
}

static void read_rule(struct reader *reader, struct ztt_config_rule *rule)
{
	size_t line;
	char *key;

	rule->line = (unsigned)ztt_yaml_line(&reader->yaml);
	if (reader->yaml.event.type == YAML_ALIAS_EVENT)
		rule->aliased = true;
	if (!is_mapping(reader, "a rule of ingress")) {
		ztt_yaml_skip(&reader->yaml);
		return;
	}
	if (!ztt_yaml_enter(&reader->yaml))
		return;
	while ((key = next_key(reader, &rule->aliased, &line))) {
		if (strcmp(key, "hostname") == 0)
			take(reader, &rule->hostname, &rule->aliased);
		else if (strcmp(key, "path") == 0)
			take(reader, &rule->path, &rule->aliased);
		else if (strcmp(key, "service") == 0)
			take(reader, &rule->service, &rule->aliased);
		else if (strcmp(key, "originRequest") == 0)
			read_options(reader, key, origin_keys,
				     &rule->no_tls_verify, &rule->bastion_mode);
		else {
			note_unknown(reader, key, line, rule_keys, false);
			ztt_yaml_skip(&reader->yaml);
		}
		free(key);
	}
	ztt_yaml_leave(&reader->yaml);
}

static void read_ingress(struct reader *reader)
{
	struct ztt_config *config = reader->config;
	char *text = ztt_yaml_scalar(&reader->yaml);

	if (reader->yaml.event.type == YAML_ALIAS_EVENT)
		config->aliased = true;
	if (reader->yaml.event.type == YAML_MAPPING_START_EVENT || text)
		ztt_yaml_broken(&reader->yaml, ztt_yaml_line(&reader->yaml),
				"ingress is expected to be a list of rules");
	free(text);
	if (reader->yaml.event.type != YAML_SEQUENCE_START_EVENT ||
	    config->rules) {
		ztt_yaml_skip(&reader->yaml);
		return;
	}
	if (!ztt_yaml_enter(&reader->yaml))
		return;
	config->rules =
		ztt_calloc(ZTT_CONFIG_RULES_MAX, sizeof(*config->rules));
	while (!ztt_yaml_at_end(&reader->yaml)) {
		if (config->rule_count == ZTT_CONFIG_RULES_MAX) {
			ztt_yaml_broken(&reader->yaml,
					ztt_yaml_line(&reader->yaml),
					"more than %d rules",
					ZTT_CONFIG_RULES_MAX);
			break;
		}
		read_rule(reader, &config->rules[config->rule_count++]);
	}
	config->has_ingress = config->rule_count > 0;
	ztt_yaml_leave(&reader->yaml);
}

/* A list of scalars, joined by commas; what else is in it is passed. */
static char *read_list(struct reader *reader)
{
	char joined[ZTT_YAML_VALUE_MAX] = "";
	size_t len = 0;

	if (!ztt_yaml_enter(&reader->yaml))
		return NULL;
	while (!ztt_yaml_at_end(&reader->yaml)) {
		char *text = ztt_yaml_scalar(&reader->yaml);

		if (text && len + strlen(text) + 2 < sizeof(joined))
			len += (size_t)snprintf(joined + len,
						sizeof(joined) - len, "%s%s",
						len ? "," : "", text);
		free(text);
		ztt_yaml_skip(&reader->yaml);
	}
	ztt_yaml_leave(&reader->yaml);
	return ztt_strdup(joined);
}

static void read_flag(struct reader *reader, const char *name, size_t line)
{
	struct ztt_config *config = reader->config;
	struct ztt_config_key *key;
	char *value;

	if (reader->yaml.event.type == YAML_ALIAS_EVENT)
		config->aliased = true;
	if (reader->yaml.event.type == YAML_SEQUENCE_START_EVENT) {
		value = read_list(reader);
	} else {
		value = ztt_yaml_scalar(&reader->yaml);
		ztt_yaml_skip(&reader->yaml);
	}
	if (!value || config->key_count == ZTT_CONFIG_KEYS_MAX) {
		free(value);
		return;
	}
	key = &config->keys[config->key_count++];
	*key = (struct ztt_config_key){.name = ztt_strdup(name),
				       .value = value,
				       .line = (unsigned)line};
}

/* Go's decoder takes a second key of the same name for an error. */
static bool is_twice(char ***seen, size_t *count, const char *name)
{
	if (*count >= ZTT_CONFIG_KEYS_MAX)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (strcmp((*seen)[i], name) == 0)
			return true;
	*seen = ztt_realloc(*seen, (*count + 1) * sizeof(**seen));
	(*seen)[(*count)++] = ztt_strdup(name);
	return false;
}

static void read_key(struct reader *reader, const char *name, size_t line)
{
	struct ztt_config *config = reader->config;
	const struct ztt_flag *flag = ztt_flag_of(name);

	if (strcmp(name, "ingress") == 0) {
		read_ingress(reader);
	} else if (strcmp(name, "tunnel") == 0) {
		take(reader, &config->tunnel, &config->aliased);
	} else if (strcmp(name, "originRequest") == 0) {
		read_options(reader, name, origin_keys, NULL,
			     &config->bastion_mode);
	} else if (strcmp(name, "warp-routing") == 0) {
		read_options(reader, name, warp_keys, NULL, NULL);
	} else {
		if (!flag)
			note_unknown(reader, name, line, top_keys, true);
		read_flag(reader, name, line);
	}
}

static void read_top(struct reader *reader)
{
	struct ztt_config *config = reader->config;
	char **seen = NULL, *name;
	size_t count = 0, line;

	if (!is_mapping(reader, "the file") || !ztt_yaml_enter(&reader->yaml))
		return;
	while ((name = next_key(reader, &config->aliased, &line))) {
		if (is_twice(&seen, &count, name))
			ztt_yaml_broken(
				&reader->yaml, line,
				"%.64s is given twice: cloudflared refuses it",
				name);
		read_key(reader, name, line);
		free(name);
	}
	for (size_t i = 0; i < count; i++)
		free(seen[i]);
	free(seen);
	ztt_yaml_leave(&reader->yaml);
}

static void take_credentials_file(struct ztt_config *config)
{
	const char *file = ztt_config_value(config, "credentials-file");

	if (!file)
		file = ztt_config_value(config, "cred-file");
	if (file)
		config->credentials_file = ztt_strdup(file);
}

/* Only the first document counts, as for cloudflared. */
void ztt_config_parse(const char *text, size_t len_bytes,
		      struct ztt_config *ret_config)
{
	struct reader reader = {.config = ret_config};

	memset(ret_config, 0, sizeof(*ret_config));
	if (len_bytes > ZTT_CONFIG_BYTES_MAX) {
		snprintf(ret_config->problem, sizeof(ret_config->problem),
			 "longer than %d bytes", ZTT_CONFIG_BYTES_MAX);
		ret_config->rc = -EBADMSG;
		return;
	}
	ztt_yaml_begin(&reader.yaml, text, len_bytes, ZTT_CONFIG_DEPTH_MAX);
	if (reader.yaml.event.type != YAML_STREAM_END_EVENT)
		read_top(&reader);
	if (reader.yaml.broken) {
		memcpy(ret_config->problem, reader.yaml.problem,
		       sizeof(ret_config->problem));
		ret_config->rc = -EBADMSG;
	}
	ztt_yaml_end(&reader.yaml);
	take_credentials_file(ret_config);
}

void ztt_config_release(struct ztt_config *config)
{
	for (size_t i = 0; i < config->rule_count; i++) {
		free(config->rules[i].hostname);
		free(config->rules[i].path);
		free(config->rules[i].service);
	}
	free(config->rules);
	for (size_t i = 0; i < config->key_count; i++) {
		explicit_bzero(config->keys[i].value,
			       strlen(config->keys[i].value));
		free(config->keys[i].name);
		free(config->keys[i].value);
	}
	for (size_t i = 0; i < config->unknown_count; i++)
		free(config->unknown[i]);
	free(config->tunnel);
	free(config->credentials_file);
	memset(config, 0, sizeof(*config));
}

const char *ztt_config_value(const struct ztt_config *config, const char *name)
{
	for (size_t i = 0; i < config->key_count; i++)
		if (strcmp(config->keys[i].name, name) == 0)
			return config->keys[i].value;
	return NULL;
}
