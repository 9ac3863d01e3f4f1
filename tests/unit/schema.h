/* As much of JSON Schema draft-07 as common/schema uses; an unknown keyword
 * fails, so that none is silently ignored. */
#ifndef ZTT_TEST_SCHEMA_H
#define ZTT_TEST_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool schema_holds(const json_t *root, const json_t *schema,
			 const json_t *value, const char *where);

static bool schema_complain(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	return false;
}

static bool schema_is_type(const char *type, const json_t *value)
{
	if (strcmp(type, "object") == 0)
		return json_is_object(value);
	if (strcmp(type, "array") == 0)
		return json_is_array(value);
	if (strcmp(type, "string") == 0)
		return json_is_string(value);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(value);
	if (strcmp(type, "number") == 0)
		return json_is_number(value);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	return strcmp(type, "null") == 0 && json_is_null(value);
}

static bool schema_type(const json_t *type, const json_t *value)
{
	size_t i;
	const json_t *one;

	if (json_is_string(type))
		return schema_is_type(json_string_value(type), value);
	json_array_foreach(type, i, one)
		if (schema_is_type(json_string_value(one), value))
			return true;
	return false;
}

static bool schema_enum(const json_t *words, const json_t *value)
{
	size_t i;
	const json_t *one;

	json_array_foreach(words, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

static bool schema_object(const json_t *root, const json_t *schema,
			  const json_t *value, const char *where)
{
	const json_t *known = json_object_get(schema, "properties");
	const json_t *one, *needed = json_object_get(schema, "required");
	char path[512];
	const char *key;
	size_t i;

	json_array_foreach(needed, i, one)
		if (!json_object_get(value, json_string_value(one)))
			return schema_complain(where, json_string_value(one));
	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		const json_t *sub = json_object_get(known, key);

		snprintf(path, sizeof(path), "%s.%s", where, key);
		if (!sub)
			return schema_complain(path, "not in the schema");
		if (!schema_holds(root, sub, one, path))
			return false;
	}
	return true;
}

static bool schema_known_keyword(const char *word)
{
	static const char *const words[] = {
		"$schema", "$id", "$ref", "title", "description", "type",
		"const", "enum", "properties", "required", "items", "minItems",
		"additionalProperties", "minimum", "definitions",
		"oneOf"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* The first that holds is enough. */
static bool schema_one_of(const json_t *root, const json_t *ways,
			  const json_t *value, const char *where)
{
	const json_t *one;
	size_t i;

	json_array_foreach(ways, i, one)
		if (schema_holds(root, one, value, where))
			return true;
	return schema_complain(where, "none of several");
}

static bool schema_rest(const json_t *root, const json_t *schema,
			const json_t *value, const char *where)
{
	const json_t *items = json_object_get(schema, "items");
	const json_t *least = json_object_get(schema, "minimum");
	const json_t *few = json_object_get(schema, "minItems");
	const json_t *one;
	char path[512];
	size_t i;

	if (least && json_is_number(value) &&
	    json_number_value(value) < json_number_value(least))
		return schema_complain(where, "below the minimum");
	if (few && json_array_size(value) < (size_t)json_integer_value(few))
		return schema_complain(where, "too few items");
	json_array_foreach(value, i, one) {
		snprintf(path, sizeof(path), "%s[%zu]", where, i);
		if (items && !schema_holds(root, items, one, path))
			return false;
	}
	return !json_is_object(value) ||
	       schema_object(root, schema, value, where);
}

static bool schema_holds(const json_t *root, const json_t *schema,
			 const json_t *value, const char *where)
{
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const json_t *type = json_object_get(schema, "type");
	const json_t *words = json_object_get(schema, "enum");
	const json_t *exact = json_object_get(schema, "const");
	const json_t *ways = json_object_get(schema, "oneOf");
	const char *word;
	json_t *any;

	if (ref)
		return schema_holds(root,
				    json_object_get(json_object_get(root,
							"definitions"),
						    strrchr(ref, '/') + 1),
				    value, where);
	json_object_foreach((json_t *)(uintptr_t)schema, word, any)
		if (!schema_known_keyword(word))
			return schema_complain(word, "keyword not handled");
	if (type && !schema_type(type, value))
		return schema_complain(where, "of another type");
	if (ways && !schema_one_of(root, ways, value, where))
		return false;
	if (words && !schema_enum(words, value))
		return schema_complain(where, "not one of the words");
	if (exact && !json_equal(exact, value))
		return schema_complain(where, "another value");
	return ways || schema_rest(root, schema, value, where);
}

#endif
