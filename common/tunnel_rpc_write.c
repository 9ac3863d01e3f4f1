#define _GNU_SOURCE
#include "tunnel_rpc.h"

#include <errno.h>
#include <string.h>

#include "capnp.h"

#define TARGET_PROMISED UINT64_C(1)
#define RETURN_EXCEPTION UINT64_C(1)
#define CAPABILITY_SENDER_HOSTED UINT64_C(1)
#define RESPONSE_DETAILS UINT64_C(1)

/* Where the parts of a call or an answer go. */
struct payload {
	size_t content, table; /* places of the two pointers */
};

/* Message with an empty body of the given size; returns the body's place. */
static size_t begin(struct ztt_capnp_builder *builder, enum ztt_rpc_tag tag,
		    uint16_t data_words, uint16_t pointer_count, uint8_t *out,
		    size_t cap_bytes)
{
	size_t message;

	if (cap_bytes > ZTT_RPC_MAX_BYTES)
		cap_bytes = ZTT_RPC_MAX_BYTES;
	ztt_capnp_begin(builder, out, cap_bytes);
	message = ztt_capnp_add_struct(builder, 0, 1, 1);
	ztt_capnp_put(builder, message, 0, (uint64_t)tag);
	return ztt_capnp_add_struct(builder, message + 1, data_words,
				    pointer_count);
}

static struct payload add_payload(struct ztt_capnp_builder *builder,
				  size_t pointer)
{
	size_t place = ztt_capnp_add_struct(builder, pointer, 0, 2);

	return (struct payload){place, place + 1};
}

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static void add_id(struct ztt_capnp_builder *builder, size_t pointer,
		   const uint8_t id[16])
{
	ztt_capnp_add_data(builder, pointer,
			   (struct ztt_slice){(const char *)id, 16});
}

/* Exception of the type "failed", which is 0. */
static void add_exception(struct ztt_capnp_builder *builder, size_t pointer,
			  const char *reason)
{
	size_t exception = ztt_capnp_add_struct(builder, pointer, 1, 1);

	ztt_capnp_add_text(builder, exception + 1, slice(reason));
}

ssize_t ztt_rpc_bootstrap(uint32_t question, uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t body = begin(&builder, ZTT_RPC_BOOTSTRAP, 1, 1, out, cap_bytes);

	ztt_capnp_put(&builder, body, 0, question);
	return ztt_capnp_end(&builder);
}

/* Call of RegistrationServer; the target is still empty. */
static size_t begin_call(struct ztt_capnp_builder *builder, uint32_t question,
			 enum ztt_rpc_method method, uint8_t *out,
			 size_t cap_bytes, size_t *ret_target)
{
	size_t call = begin(builder, ZTT_RPC_CALL, 3, 3, out, cap_bytes);

	ztt_capnp_put(builder, call, 0, question);
	ztt_capnp_put(builder, call, 32, (uint64_t)method);
	ztt_capnp_put(builder, call + 1, 0, ZTT_RPC_REGISTRATION);
	*ret_target = ztt_capnp_add_struct(builder, call + 3, 1, 1);
	return call;
}

/* go-capnp writes a table of no capabilities after the content of each call. */
static ssize_t end_call(struct ztt_capnp_builder *builder,
			struct payload payload)
{
	ztt_capnp_add_structs(builder, payload.table, 0, 1, 1);
	return ztt_capnp_end(builder);
}

static struct payload call_promised(struct ztt_capnp_builder *builder,
				    uint32_t question,
				    enum ztt_rpc_method method,
				    uint32_t promise, uint8_t *out,
				    size_t cap_bytes)
{
	size_t target, promised;
	size_t call =
		begin_call(builder, question, method, out, cap_bytes, &target);

	ztt_capnp_put(builder, target, 32, TARGET_PROMISED);
	promised = ztt_capnp_add_struct(builder, target + 1, 1, 1);
	ztt_capnp_put(builder, promised, 0, promise);
	ztt_capnp_add_structs(builder, promised + 1, 0, 1, 0);
	return add_payload(builder, call + 4);
}

static struct payload call_imported(struct ztt_capnp_builder *builder,
				    uint32_t question,
				    enum ztt_rpc_method method,
				    uint32_t import_id, uint8_t *out,
				    size_t cap_bytes)
{
	size_t target;
	size_t call =
		begin_call(builder, question, method, out, cap_bytes, &target);

	ztt_capnp_put(builder, target, 0, import_id);
	return add_payload(builder, call + 4);
}

static void add_client(struct ztt_capnp_builder *builder, size_t pointer,
		       const struct ztt_rpc_register *params)
{
	size_t client = ztt_capnp_add_struct(builder, pointer, 0, 4);
	size_t features;

	add_id(builder, client, params->client_id);
	features = ztt_capnp_add_pointers(builder, client + 1,
					  params->feature_count);
	for (size_t i = 0; i < params->feature_count; i++)
		ztt_capnp_add_text(builder, features + i, params->features[i]);
	ztt_capnp_add_text(builder, client + 2, params->version);
	ztt_capnp_add_text(builder, client + 3, params->arch);
}

static void add_options(struct ztt_capnp_builder *builder, size_t pointer,
			const struct ztt_rpc_register *params)
{
	size_t options = ztt_capnp_add_struct(builder, pointer, 1, 2);

	ztt_capnp_put(builder, options, 0, params->replace_existing);
	ztt_capnp_put(builder, options, 8, params->compression_quality);
	ztt_capnp_put(builder, options, 16, params->previous_attempts);
	add_client(builder, options + 1, params);
	ztt_capnp_add_data(builder, options + 2, params->origin_local_ip);
}

ssize_t ztt_rpc_call_register(uint32_t question, uint32_t bootstrap_question,
			      const struct ztt_rpc_register *params,
			      uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload;
	size_t content, auth;

	if (params->feature_count > ZTT_RPC_FEATURES_MAX)
		return -EMSGSIZE;
	payload = call_promised(&builder, question, ZTT_RPC_REGISTER_CONNECTION,
				bootstrap_question, out, cap_bytes);
	content = ztt_capnp_add_struct(&builder, payload.content, 1, 3);
	ztt_capnp_put(&builder, content, 0, params->conn_index);
	auth = ztt_capnp_add_struct(&builder, content + 1, 0, 2);
	ztt_capnp_add_text(&builder, auth, params->account_tag);
	ztt_capnp_add_data(&builder, auth + 1, params->tunnel_secret);
	add_id(&builder, content + 2, params->tunnel_id);
	add_options(&builder, content + 3, params);
	return end_call(&builder, payload);
}

ssize_t ztt_rpc_call_unregister(uint32_t question, uint32_t import_id,
				uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload =
		call_imported(&builder, question, ZTT_RPC_UNREGISTER_CONNECTION,
			      import_id, out, cap_bytes);

	ztt_capnp_add_struct(&builder, payload.content, 0, 0);
	return end_call(&builder, payload);
}

ssize_t ztt_rpc_call_configuration(uint32_t question, uint32_t import_id,
				   struct ztt_slice json, uint8_t *out,
				   size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload =
		call_imported(&builder, question,
			      ZTT_RPC_UPDATE_LOCAL_CONFIGURATION, import_id,
			      out, cap_bytes);
	size_t params = ztt_capnp_add_struct(&builder, payload.content, 0, 1);

	ztt_capnp_add_data(&builder, params, json);
	return end_call(&builder, payload);
}

static struct payload begin_results(struct ztt_capnp_builder *builder,
				    uint32_t answer, uint8_t *out,
				    size_t cap_bytes)
{
	size_t body = begin(builder, ZTT_RPC_RETURN, 2, 1, out, cap_bytes);

	ztt_capnp_put(builder, body, 0, answer);
	return add_payload(builder, body + 2);
}

ssize_t ztt_rpc_return_capability(uint32_t answer, uint32_t export_id,
				  uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload =
		begin_results(&builder, answer, out, cap_bytes);
	size_t entry;

	ztt_capnp_add_capability(&builder, payload.content, 0);
	entry = ztt_capnp_add_structs(&builder, payload.table, 1, 1, 1);
	ztt_capnp_put(&builder, entry, 0, CAPABILITY_SENDER_HOSTED);
	ztt_capnp_put(&builder, entry, 32, export_id);
	return ztt_capnp_end(&builder);
}

static void add_refusal(struct ztt_capnp_builder *builder, size_t response,
			const struct ztt_rpc_registered *result)
{
	size_t error = ztt_capnp_add_struct(builder, response + 1, 2, 1);

	ztt_capnp_put(builder, error, 0, (uint64_t)result->retry_after_ns);
	ztt_capnp_put(builder, error + 1, 0, result->should_retry);
	ztt_capnp_add_text(builder, error + 2, result->cause);
}

static void add_details(struct ztt_capnp_builder *builder, size_t response,
			const struct ztt_rpc_registered *result)
{
	size_t details = ztt_capnp_add_struct(builder, response + 1, 1, 2);

	ztt_capnp_put(builder, response, 0, RESPONSE_DETAILS);
	ztt_capnp_put(builder, details, 0, result->remotely_managed);
	add_id(builder, details + 1, result->uuid);
	ztt_capnp_add_text(builder, details + 2, result->location);
}

ssize_t ztt_rpc_return_registered(uint32_t answer,
				  const struct ztt_rpc_registered *result,
				  uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload =
		begin_results(&builder, answer, out, cap_bytes);
	size_t content = ztt_capnp_add_struct(&builder, payload.content, 0, 1);
	size_t response = ztt_capnp_add_struct(&builder, content, 1, 1);

	if (result->refused)
		add_refusal(&builder, response, result);
	else
		add_details(&builder, response, result);
	return ztt_capnp_end(&builder);
}

ssize_t ztt_rpc_return_empty(uint32_t answer, uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	struct payload payload =
		begin_results(&builder, answer, out, cap_bytes);

	ztt_capnp_add_struct(&builder, payload.content, 0, 0);
	return ztt_capnp_end(&builder);
}

ssize_t ztt_rpc_return_exception(uint32_t answer, const char *reason,
				 uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t body = begin(&builder, ZTT_RPC_RETURN, 2, 1, out, cap_bytes);

	ztt_capnp_put(&builder, body, 0, answer);
	ztt_capnp_put(&builder, body, 48, RETURN_EXCEPTION);
	add_exception(&builder, body + 2, reason);
	return ztt_capnp_end(&builder);
}

ssize_t ztt_rpc_finish(uint32_t question, bool release_result_caps,
		       uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t body = begin(&builder, ZTT_RPC_FINISH, 1, 0, out, cap_bytes);

	ztt_capnp_put(&builder, body, 0, question);
	ztt_capnp_put(&builder, body, 32, !release_result_caps);
	return ztt_capnp_end(&builder);
}

ssize_t ztt_rpc_release(uint32_t import_id, uint32_t count, uint8_t *out,
			size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t body = begin(&builder, ZTT_RPC_RELEASE, 1, 0, out, cap_bytes);

	ztt_capnp_put(&builder, body, 0, import_id);
	ztt_capnp_put(&builder, body, 32, count);
	return ztt_capnp_end(&builder);
}

ssize_t ztt_rpc_abort(const char *reason, uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t body = begin(&builder, ZTT_RPC_ABORT, 1, 1, out, cap_bytes);

	ztt_capnp_add_text(&builder, body + 1, slice(reason));
	return ztt_capnp_end(&builder);
}
