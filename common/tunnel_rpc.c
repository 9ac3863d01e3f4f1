#define _GNU_SOURCE
#include "tunnel_rpc.h"

#include <errno.h>
#include <string.h>

#include "capnp.h"

enum {
	TARGET_IMPORTED = 0,
	TARGET_PROMISED = 1,
};

enum {
	RETURN_RESULTS = 0,
	RETURN_EXCEPTION = 1,
};

enum {
	CAPABILITY_SENDER_HOSTED = 1,
	CAPABILITY_SENDER_PROMISE = 2,
};

enum {
	RESPONSE_ERROR = 0,
	RESPONSE_DETAILS = 1,
};

static void fail(const struct ztt_capnp_struct *from)
{
	from->message->malformed = true;
}

/* A Data of 16 bytes; absent, it stays zero. */
static void read_id(const struct ztt_capnp_struct *from, size_t index,
		    uint8_t id[16])
{
	struct ztt_slice data = ztt_capnp_get_data(from, index);

	if (data.len_bytes == 16)
		memcpy(id, data.at, 16);
	else if (data.len_bytes != 0)
		fail(from);
}

static int read_features(const struct ztt_capnp_struct *client,
			 struct ztt_rpc_register *registration)
{
	struct ztt_capnp_list list = ztt_capnp_get_list(client, 1);

	if (list.count > ZTT_RPC_FEATURES_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < list.count; i++) {
		struct ztt_capnp_struct item = ztt_capnp_element(&list, i);

		registration->features[i] = ztt_capnp_get_text(&item, 0);
	}
	registration->feature_count = list.count;
	return 0;
}

static int read_options(const struct ztt_capnp_struct *options,
			struct ztt_rpc_register *registration)
{
	struct ztt_capnp_struct client = ztt_capnp_get_struct(options, 0);
	struct ztt_slice ip = ztt_capnp_get_data(options, 1);

	if (ip.len_bytes != 0 && ip.len_bytes != 4 && ip.len_bytes != 16)
		fail(options);
	registration->origin_local_ip = ip;
	registration->replace_existing = ztt_capnp_bit(options, 0);
	registration->compression_quality = ztt_capnp_u8(options, 1);
	registration->previous_attempts = ztt_capnp_u8(options, 2);
	read_id(&client, 0, registration->client_id);
	registration->version = ztt_capnp_get_text(&client, 2);
	registration->arch = ztt_capnp_get_text(&client, 3);
	return read_features(&client, registration);
}

static int read_registration(const struct ztt_capnp_struct *params,
			     struct ztt_rpc_register *registration)
{
	struct ztt_capnp_struct auth = ztt_capnp_get_struct(params, 0);
	struct ztt_capnp_struct options = ztt_capnp_get_struct(params, 2);

	registration->conn_index = ztt_capnp_u8(params, 0);
	registration->account_tag = ztt_capnp_get_text(&auth, 0);
	registration->tunnel_secret = ztt_capnp_get_data(&auth, 1);
	read_id(params, 1, registration->tunnel_id);
	return read_options(&options, registration);
}

static void read_target(const struct ztt_capnp_struct *call,
			struct ztt_rpc_message *message)
{
	struct ztt_capnp_struct target = ztt_capnp_get_struct(call, 0);
	struct ztt_capnp_struct promised;

	switch (ztt_capnp_u16(&target, 4)) {
	case TARGET_IMPORTED:
		message->target_id = ztt_capnp_u32(&target, 0);
		break;
	case TARGET_PROMISED:
		promised = ztt_capnp_get_struct(&target, 0);
		message->target_promised = true;
		message->target_id = ztt_capnp_u32(&promised, 0);
		break;
	default:
		fail(call);
	}
}

static int read_call(const struct ztt_capnp_struct *call,
		     struct ztt_rpc_message *message)
{
	struct ztt_capnp_struct payload = ztt_capnp_get_struct(call, 1);
	struct ztt_capnp_struct params;

	message->interface_id = ztt_capnp_u64(call, 8);
	message->method_id = ztt_capnp_u16(call, 4);
	read_target(call, message);
	if (message->interface_id != ZTT_RPC_REGISTRATION)
		return 0;
	switch (message->method_id) {
	case ZTT_RPC_REGISTER_CONNECTION:
		params = ztt_capnp_get_struct(&payload, 0);
		return read_registration(&params, &message->registration);
	case ZTT_RPC_UPDATE_LOCAL_CONFIGURATION:
		params = ztt_capnp_get_struct(&payload, 0);
		message->configuration = ztt_capnp_get_data(&params, 0);
		return 0;
	default:
		return 0;
	}
}

static void read_registered(const struct ztt_capnp_struct *results,
			    struct ztt_rpc_registered *registered)
{
	struct ztt_capnp_struct response = ztt_capnp_get_struct(results, 0);
	struct ztt_capnp_struct body = ztt_capnp_get_struct(&response, 0);

	switch (ztt_capnp_u16(&response, 0)) {
	case RESPONSE_ERROR:
		registered->refused = true;
		registered->cause = ztt_capnp_get_text(&body, 0);
		registered->retry_after_ns = (int64_t)ztt_capnp_u64(&body, 0);
		registered->should_retry = ztt_capnp_bit(&body, 64);
		break;
	case RESPONSE_DETAILS:
		read_id(&body, 0, registered->uuid);
		registered->location = ztt_capnp_get_text(&body, 1);
		registered->remotely_managed = ztt_capnp_bit(&body, 0);
		break;
	default:
		fail(results);
	}
}

/* The content is an index into the payload's table of capabilities. */
static void read_capability(const struct ztt_capnp_struct *payload,
			    struct ztt_rpc_message *message)
{
	struct ztt_capnp_list table = ztt_capnp_get_list(payload, 1);
	struct ztt_capnp_struct entry;
	uint32_t index;
	unsigned which;

	if (!ztt_capnp_get_capability(payload, 0, &index))
		return;
	if (index >= table.count) {
		fail(payload);
		return;
	}
	entry = ztt_capnp_element(&table, index);
	which = ztt_capnp_u16(&entry, 0);
	if (which != CAPABILITY_SENDER_HOSTED &&
	    which != CAPABILITY_SENDER_PROMISE)
		return;
	message->has_capability = true;
	message->capability_id = ztt_capnp_u32(&entry, 4);
}

static void read_results(const struct ztt_capnp_struct *payload,
			 struct ztt_rpc_message *message)
{
	struct ztt_capnp_struct content;

	switch (ztt_capnp_kind(payload, 0)) {
	case ZTT_CAPNP_CAPABILITY:
		read_capability(payload, message);
		break;
	case ZTT_CAPNP_STRUCT:
		content = ztt_capnp_get_struct(payload, 0);
		if (content.data_bytes == 0 && content.pointer_count == 0)
			break;
		message->has_registered = true;
		read_registered(&content, &message->registered);
		break;
	case ZTT_CAPNP_LIST:
		fail(payload);
		break;
	case ZTT_CAPNP_NULL:
		break;
	}
}

static void read_return(const struct ztt_capnp_struct *from,
			struct ztt_rpc_message *message)
{
	struct ztt_capnp_struct body;

	switch (ztt_capnp_u16(from, 6)) {
	case RETURN_RESULTS:
		body = ztt_capnp_get_struct(from, 0);
		read_results(&body, message);
		break;
	case RETURN_EXCEPTION:
		body = ztt_capnp_get_struct(from, 0);
		message->exception = true;
		message->reason = ztt_capnp_get_text(&body, 0);
		break;
	default: /* canceled, and forms that only a third party takes */
		break;
	}
}

static int read_body(const struct ztt_capnp_struct *root,
		     struct ztt_rpc_message *message)
{
	struct ztt_capnp_struct body = ztt_capnp_get_struct(root, 0);

	if (message->tag != ZTT_RPC_ABORT)
		message->id = ztt_capnp_u32(&body, 0);
	switch (message->tag) {
	case ZTT_RPC_ABORT:
		message->reason = ztt_capnp_get_text(&body, 0);
		break;
	case ZTT_RPC_CALL:
		return read_call(&body, message);
	case ZTT_RPC_RETURN:
		read_return(&body, message);
		break;
	case ZTT_RPC_FINISH:
		message->release_result_caps = !ztt_capnp_bit(&body, 32);
		break;
	case ZTT_RPC_RELEASE:
		message->release_count = ztt_capnp_u32(&body, 4);
		break;
	default:
		break;
	}
	return 0;
}

static bool has_body(enum ztt_rpc_tag tag)
{
	switch (tag) {
	case ZTT_RPC_ABORT:
	case ZTT_RPC_CALL:
	case ZTT_RPC_RETURN:
	case ZTT_RPC_FINISH:
	case ZTT_RPC_RELEASE:
	case ZTT_RPC_BOOTSTRAP:
		return true;
	default:
		return false;
	}
}

ssize_t ztt_rpc_decode(const uint8_t *data, size_t len_bytes,
		       struct ztt_rpc_message *ret_message)
{
	struct ztt_rpc_message message = {0};
	struct ztt_capnp_struct root;
	struct ztt_capnp capnp;
	int error = 0;
	ssize_t consumed =
		ztt_capnp_open(data, len_bytes, ZTT_RPC_MAX_BYTES, &capnp);

	if (consumed <= 0)
		return consumed;
	root = ztt_capnp_root(&capnp);
	message.tag = (enum ztt_rpc_tag)ztt_capnp_u16(&root, 0);
	if (has_body(message.tag))
		error = read_body(&root, &message);
	if (error || capnp.malformed)
		return capnp.malformed ? -EPROTO : error;
	*ret_message = message;
	return consumed;
}
