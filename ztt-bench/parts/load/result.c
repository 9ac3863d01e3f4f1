#include "ztt-bench/parts/load/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/hist.h"
#include "common/json.h"
#include "common/text.h"

const char *const ztt_load_error_names[ZTT_LOAD_ERRORS] = {
	[ZTT_LOAD_CONNECT] = "connect",   [ZTT_LOAD_STATUS] = "status",
	[ZTT_LOAD_PROTOCOL] = "protocol", [ZTT_LOAD_SHORT] = "short",
	[ZTT_LOAD_TIMEOUT] = "timeout",
};

void ztt_load_result_init(struct ztt_load_result *result)
{
	*result = (struct ztt_load_result){
		.latency = ztt_hist_new(),
		.service = ztt_hist_new(),
	};
}

void ztt_load_result_release(struct ztt_load_result *result)
{
	ztt_hist_free(result->latency);
	ztt_hist_free(result->service);
}

uint64_t ztt_load_result_errors(const struct ztt_load_result *result)
{
	uint64_t sum = 0;

	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		sum += result->errors[i];
	return sum;
}

bool ztt_load_result_is_behind(const struct ztt_load_result *result,
			       unsigned streams)
{
	return result->late > streams;
}

void ztt_load_result_write(const struct ztt_load_result *result,
			   struct ztt_json *json)
{
	ztt_json_uint(json, "at_ns", result->at_ns);
	ztt_json_uint(json, "duration_ns", result->duration_ns);
	ztt_json_uint(json, "requests", result->requests);
	ztt_json_uint(json, "bytes_down", result->bytes_down);
	ztt_json_uint(json, "bytes_up", result->bytes_up);
	ztt_json_object(json, "errors");
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		ztt_json_uint(json, ztt_load_error_names[i], result->errors[i]);
	ztt_json_end_object(json);
	ztt_json_string(json, "first_error", result->first_error);
	ztt_json_uint(json, "late", result->late);
	ztt_json_uint(json, "threads", result->threads);
	ztt_hist_write(result->latency, json, "latency");
	ztt_hist_write(result->service, json, "service");
}

static bool get_uint(const json_t *object, const char *key, uint64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static bool get_numbers(const json_t *record, struct ztt_load_result *result)
{
	uint64_t threads;

	if (!get_uint(record, "at_ns", &result->at_ns) ||
	    !get_uint(record, "duration_ns", &result->duration_ns) ||
	    !get_uint(record, "requests", &result->requests) ||
	    !get_uint(record, "bytes_down", &result->bytes_down) ||
	    !get_uint(record, "bytes_up", &result->bytes_up) ||
	    !get_uint(record, "late", &result->late) ||
	    !get_uint(record, "threads", &threads) || threads > UINT16_MAX)
		return false;
	result->threads = (unsigned)threads;
	return true;
}

static bool get_errors(const json_t *record, struct ztt_load_result *result)
{
	const json_t *errors = json_object_get(record, "errors");
	const char *first =
		json_string_value(json_object_get(record, "first_error"));

	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		if (!get_uint(errors, ztt_load_error_names[i],
			      &result->errors[i]))
			return false;
	if (!first)
		return false;
	snprintf(result->first_error, sizeof(result->first_error), "%s", first);
	ztt_text_plain(result->first_error);
	return true;
}

int ztt_load_result_read(const json_t *record, struct ztt_load_result *result,
			 struct ztt_err *err)
{
	int rc;

	if (!get_numbers(record, result) || !get_errors(record, result))
		return ztt_err_set(err, -EPROTO,
				   "the load's result lacks a number or has "
				   "one out of range");
	rc = ztt_hist_read(result->latency, json_object_get(record, "latency"),
			   err);
	if (rc == 0)
		rc = ztt_hist_read(result->service,
				   json_object_get(record, "service"), err);
	return rc;
}
