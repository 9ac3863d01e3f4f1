#define _GNU_SOURCE
#include "ztt-capture/decode/tunnel_say.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/capnp.h"
#include "common/text.h"
#include "common/tunnel_rpc.h"

/* Methods of SessionManager; ConfigurationManager has one, 0. */
enum {
	SESSION_REGISTER_UDP = 0,
	SESSION_UNREGISTER_UDP = 1,
};

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

/* From the framing alone; 0: more is needed. */
static ssize_t message_bytes(const uint8_t *data, size_t len_bytes)
{
	size_t count, head_bytes;
	uint64_t words = 0;

	if (len_bytes < 4)
		return 0;
	if (load32(data) >= ZTT_CAPNP_SEGMENTS_MAX)
		return -EPROTO;
	count = (size_t)load32(data) + 1;
	head_bytes = (4 + 4 * count + 7) / 8 * 8;
	if (len_bytes < head_bytes)
		return 0;
	for (size_t i = 0; i < count; i++)
		words += load32(data + 4 + 4 * i);
	if (load32(data + 4) == 0 || words > ZTT_RPC_MAX_BYTES / 8)
		return -EPROTO;
	return (ssize_t)(head_bytes + 8 * words);
}

static void copy_text(char *out, size_t cap_bytes, struct ztt_slice text)
{
	snprintf(out, cap_bytes, "%.*s", (int)text.len_bytes,
		 text.at ? text.at : "");
	ztt_text_plain(out);
}

static bool is_v3(struct ztt_slice feature)
{
	static const char name[] = "support_datagram_v3";

	return feature.len_bytes >= sizeof(name) - 1 &&
	       !memcmp(feature.at, name, sizeof(name) - 1);
}

static void say_register(const struct ztt_rpc_register *params,
			 struct ztt_tunnel_facts *facts,
			 enum ztt_datagram_version *version,
			 struct ztt_line *line)
{
	facts->index = params->conn_index;
	copy_text(facts->version, sizeof(facts->version), params->version);
	*version = ZTT_DATAGRAM_V2;
	ztt_line_add(line, "registerConnection index %u tunnel ",
		     params->conn_index);
	ztt_line_uuid(line, params->tunnel_id);
	ztt_line_add(line, " secret (redacted) client ");
	ztt_line_slice(line, params->version);
	ztt_line_add(line, " ");
	ztt_line_slice(line, params->arch);
	if (params->previous_attempts)
		ztt_line_add(line, " attempt %u",
			     params->previous_attempts + 1u);
	for (size_t i = 0; i < params->feature_count; i++) {
		ztt_line_add(line, i ? "," : " features ");
		ztt_line_slice(line, params->features[i]);
		if (is_v3(params->features[i]))
			*version = ZTT_DATAGRAM_V3;
	}
}

static void say_registered(const struct ztt_rpc_registered *result,
			   struct ztt_tunnel_facts *facts,
			   struct ztt_line *line)
{
	if (result->refused) {
		facts->refused = true;
		ztt_line_add(line, "registration refused: ");
		ztt_line_slice(line, result->cause);
		if (result->should_retry)
			ztt_line_add(line, ", retry after %" PRId64 " ms",
				     result->retry_after_ns / 1000000);
		else
			ztt_line_add(line, ", no retry");
		return;
	}
	facts->registered = true;
	copy_text(facts->location, sizeof(facts->location), result->location);
	ztt_line_add(line, "registered at ");
	ztt_line_slice(line, result->location);
	ztt_line_add(line, " as ");
	ztt_line_uuid(line, result->uuid);
	if (result->remotely_managed)
		ztt_line_add(line, ", remotely managed");
}

static void say_return(const struct ztt_rpc_message *message,
		       struct ztt_tunnel_facts *facts, struct ztt_line *line)
{
	if (message->has_registered) {
		say_registered(&message->registered, facts, line);
		return;
	}
	ztt_line_add(line, "return %" PRIu32, message->id);
	if (message->exception) {
		ztt_line_add(line, " exception: ");
		ztt_line_slice(line, message->reason);
	} else if (message->has_capability) {
		ztt_line_add(line, " capability %" PRIu32,
			     message->capability_id);
	}
}

static void say_method(uint64_t interface, unsigned method,
		       struct ztt_line *line)
{
	static const char *const registration[] = {
		[ZTT_RPC_REGISTER_CONNECTION] = "registerConnection",
		[ZTT_RPC_UNREGISTER_CONNECTION] = "unregisterConnection",
		[ZTT_RPC_UPDATE_LOCAL_CONFIGURATION] =
			"updateLocalConfiguration",
	};

	if (interface == ZTT_RPC_REGISTRATION && method < 3)
		ztt_line_add(line, "%s", registration[method]);
	else if (interface == ZTT_RPC_SESSION && method < 2)
		ztt_line_add(line, "%s",
			     method ? "unregisterUdpSession"
				    : "registerUdpSession");
	else if (interface == ZTT_RPC_CONFIGURATION && method == 0)
		ztt_line_add(line, "updateConfiguration");
	else
		ztt_line_add(line, "call %016" PRIx64 " method %u", interface,
			     method);
}

static void say_session_id(const struct ztt_capnp_struct *params, size_t index,
			   struct ztt_line *line)
{
	struct ztt_slice id = ztt_capnp_get_data(params, index);

	if (id.len_bytes != 16)
		return;
	ztt_line_add(line, " session ");
	ztt_line_uuid(line, (const uint8_t *)id.at);
}

/* Of the two other interfaces, from the message's root. */
static void say_params(const struct ztt_capnp_struct *root, uint64_t interface,
		       unsigned method, struct ztt_line *line)
{
	struct ztt_capnp_struct call = ztt_capnp_get_struct(root, 0);
	struct ztt_capnp_struct payload = ztt_capnp_get_struct(&call, 1);
	struct ztt_capnp_struct params = ztt_capnp_get_struct(&payload, 0);
	struct ztt_slice bytes;

	if (interface == ZTT_RPC_CONFIGURATION && method == 0) {
		bytes = ztt_capnp_get_data(&params, 0);
		ztt_line_add(line, " version %" PRId32 " %zu bytes",
			     (int32_t)ztt_capnp_u32(&params, 0),
			     bytes.len_bytes);
	} else if (interface == ZTT_RPC_SESSION &&
		   method == SESSION_REGISTER_UDP) {
		bytes = ztt_capnp_get_data(&params, 1);
		ztt_line_add(line, " to ");
		ztt_line_ip(line, (const uint8_t *)bytes.at, bytes.len_bytes);
		ztt_line_add(line, " port %u", ztt_capnp_u16(&params, 0));
		say_session_id(&params, 0, line);
	} else if (interface == ZTT_RPC_SESSION &&
		   method == SESSION_UNREGISTER_UDP) {
		say_session_id(&params, 0, line);
	}
}

/* RegisterUdpSessionResponse has no data, UpdateConfigurationResponse has. */
static void say_session_return(const struct ztt_capnp_struct *root,
			       struct ztt_line *line)
{
	struct ztt_capnp_struct body = ztt_capnp_get_struct(root, 0);
	struct ztt_capnp_struct payload = ztt_capnp_get_struct(&body, 0);
	struct ztt_capnp_struct results, response;
	struct ztt_slice error;

	ztt_line_add(line, "return %" PRIu32, ztt_capnp_u32(&body, 0));
	if (ztt_capnp_u16(&body, 6) == 1) {
		ztt_line_add(line, " exception: ");
		ztt_line_slice(line, ztt_capnp_get_text(&payload, 0));
		return;
	}
	if (ztt_capnp_kind(&payload, 0) != ZTT_CAPNP_STRUCT)
		return;
	results = ztt_capnp_get_struct(&payload, 0);
	response = ztt_capnp_get_struct(&results, 0);
	if (response.data_bytes)
		ztt_line_add(line, " version %" PRId32,
			     (int32_t)ztt_capnp_u32(&response, 0));
	error = ztt_capnp_get_text(&response, 0);
	if (error.len_bytes) {
		ztt_line_add(line, " error: ");
		ztt_line_slice(line, error);
	}
}

static void say_call(const struct ztt_rpc_message *message,
		     struct ztt_tunnel_facts *facts,
		     enum ztt_datagram_version *version, struct ztt_line *line)
{
	const bool registers = message->interface_id == ZTT_RPC_REGISTRATION;

	if (registers && message->method_id == ZTT_RPC_REGISTER_CONNECTION) {
		say_register(&message->registration, facts, version, line);
		return;
	}
	say_method(message->interface_id, message->method_id, line);
	if (registers &&
	    message->method_id == ZTT_RPC_UPDATE_LOCAL_CONFIGURATION)
		ztt_line_add(line, " %zu bytes",
			     message->configuration.len_bytes);
}

static void say_whole(const struct ztt_rpc_message *message,
		      struct ztt_tunnel_facts *facts,
		      enum ztt_datagram_version *version, struct ztt_line *line)
{
	switch (message->tag) {
	case ZTT_RPC_CALL:
		say_call(message, facts, version, line);
		break;
	case ZTT_RPC_RETURN:
		say_return(message, facts, line);
		break;
	case ZTT_RPC_ABORT:
		ztt_line_add(line, "abort: ");
		ztt_line_slice(line, message->reason);
		break;
	case ZTT_RPC_BOOTSTRAP:
	case ZTT_RPC_FINISH:
	case ZTT_RPC_RELEASE:
		ztt_line_add(line, "%s %" PRIu32,
			     message->tag == ZTT_RPC_BOOTSTRAP ? "bootstrap"
			     : message->tag == ZTT_RPC_FINISH  ? "finish"
							       : "release",
			     message->id);
		break;
	default:
		ztt_line_add(line, "RPC message of type %u",
			     (unsigned)message->tag);
	}
}

/* Only what stands at the beginning: which call it is. */
static void say_cut(const uint8_t *data, size_t len_bytes, ssize_t whole_bytes,
		    struct ztt_line *line)
{
	struct ztt_capnp cut = {.segment_count = 1,
				.segments = {data + 8},
				.segment_words = {len_bytes / 8 - 1},
				.budget_words = len_bytes / 4};
	struct ztt_capnp_struct root = ztt_capnp_root(&cut);
	struct ztt_capnp_struct call = ztt_capnp_get_struct(&root, 0);

	if (load32(data) == 0 && !cut.malformed &&
	    ztt_capnp_u16(&root, 0) == ZTT_RPC_CALL)
		say_method(ztt_capnp_u64(&call, 8), ztt_capnp_u16(&call, 4),
			   line);
	else
		ztt_line_add(line, "RPC message");
	ztt_line_add(line, " (%zd bytes, cut)", whole_bytes);
}

/* Calls and returns of a session's stream; false: one like those of the control
 * stream, or malformed. */
static bool say_session(const uint8_t *data, size_t len_bytes,
			struct ztt_line *line)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root, call;
	uint64_t interface;
	unsigned method;

	if (ztt_capnp_open(data, len_bytes, ZTT_RPC_MAX_BYTES, &message) <= 0)
		return false;
	root = ztt_capnp_root(&message);
	switch (ztt_capnp_u16(&root, 0)) {
	case ZTT_RPC_CALL:
		call = ztt_capnp_get_struct(&root, 0);
		interface = ztt_capnp_u64(&call, 8);
		method = ztt_capnp_u16(&call, 4);
		say_method(interface, method, line);
		say_params(&root, interface, method, line);
		return true;
	case ZTT_RPC_RETURN:
		say_session_return(&root, line);
		return true;
	default:
		return false;
	}
}

ssize_t ztt_tunnel_say_rpc(const uint8_t *data, size_t len_bytes,
			   size_t most_bytes, bool control,
			   struct ztt_tunnel_facts *facts,
			   enum ztt_datagram_version *version,
			   struct ztt_line *line)
{
	const ssize_t whole = message_bytes(data, len_bytes);
	const bool there = whole > 0 && len_bytes >= (size_t)whole;
	struct ztt_rpc_message message;

	if (whole <= 0 ||
	    (!there && ((size_t)whole <= most_bytes || len_bytes < most_bytes)))
		return whole < 0 ? whole : 0;
	facts->messages++;
	ztt_line_next(line);
	if (!there) {
		say_cut(data, len_bytes, whole, line);
	} else if (control || !say_session(data, (size_t)whole, line)) {
		if (ztt_rpc_decode(data, (size_t)whole, &message) > 0) {
			say_whole(&message, facts, version, line);
		} else {
			facts->malformed++;
			ztt_line_add(line, "malformed RPC message");
		}
	}
	return whole;
}
