/* Any bytes as a message of the control stream; what can be read can be
 * written and read again. */
#include "tunnel_rpc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[4 * ZTT_RPC_MAX_BYTES];
static char text[2 * ZTT_RPC_MAX_BYTES + 1];

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool same(struct ztt_slice a, struct ztt_slice b)
{
	return a.len_bytes == b.len_bytes &&
	       (a.len_bytes == 0 || memcmp(a.at, b.at, a.len_bytes) == 0);
}

static bool same_registration(const struct ztt_rpc_register *a,
			      const struct ztt_rpc_register *b)
{
	for (size_t i = 0; i < a->feature_count; i++)
		check(same(a->features[i], b->features[i]));
	return a->feature_count == b->feature_count &&
	       same(a->account_tag, b->account_tag) &&
	       same(a->tunnel_secret, b->tunnel_secret) &&
	       memcmp(a->tunnel_id, b->tunnel_id, 16) == 0 &&
	       memcmp(a->client_id, b->client_id, 16) == 0 &&
	       a->conn_index == b->conn_index && same(a->version, b->version) &&
	       same(a->arch, b->arch) &&
	       same(a->origin_local_ip, b->origin_local_ip) &&
	       a->replace_existing == b->replace_existing &&
	       a->compression_quality == b->compression_quality &&
	       a->previous_attempts == b->previous_attempts;
}

static bool same_registered(const struct ztt_rpc_registered *a,
			    const struct ztt_rpc_registered *b)
{
	return a->refused == b->refused && same(a->cause, b->cause) &&
	       a->retry_after_ns == b->retry_after_ns &&
	       a->should_retry == b->should_retry &&
	       memcmp(a->uuid, b->uuid, 16) == 0 &&
	       same(a->location, b->location) &&
	       a->remotely_managed == b->remotely_managed;
}

static bool same_message(const struct ztt_rpc_message *a,
			 const struct ztt_rpc_message *b)
{
	return a->tag == b->tag && a->id == b->id &&
	       a->interface_id == b->interface_id &&
	       a->method_id == b->method_id &&
	       a->target_promised == b->target_promised &&
	       a->target_id == b->target_id &&
	       same_registration(&a->registration, &b->registration) &&
	       same(a->configuration, b->configuration) &&
	       a->exception == b->exception &&
	       a->has_capability == b->has_capability &&
	       a->capability_id == b->capability_id &&
	       a->has_registered == b->has_registered &&
	       same_registered(&a->registered, &b->registered) &&
	       same(a->reason, b->reason) &&
	       a->release_count == b->release_count &&
	       a->release_result_caps == b->release_result_caps;
}

/* As a string, which ends at a NUL that the message may hold. */
static const char *string(struct ztt_slice *slice)
{
	if (slice->len_bytes)
		memcpy(text, slice->at, slice->len_bytes);
	text[slice->len_bytes] = '\0';
	slice->len_bytes = strlen(text);
	return text;
}

static ssize_t write_call(const struct ztt_rpc_message *message)
{
	if (message->interface_id != ZTT_RPC_REGISTRATION)
		return 0;
	switch (message->method_id) {
	case ZTT_RPC_REGISTER_CONNECTION:
		return message->target_promised
			       ? ztt_rpc_call_register(message->id,
						       message->target_id,
						       &message->registration,
						       out, sizeof(out))
			       : 0;
	case ZTT_RPC_UNREGISTER_CONNECTION:
		return message->target_promised
			       ? 0
			       : ztt_rpc_call_unregister(message->id,
							 message->target_id,
							 out, sizeof(out));
	case ZTT_RPC_UPDATE_LOCAL_CONFIGURATION:
		return message->target_promised
			       ? 0
			       : ztt_rpc_call_configuration(
					 message->id, message->target_id,
					 message->configuration, out,
					 sizeof(out));
	default:
		return 0;
	}
}

static ssize_t write_return(struct ztt_rpc_message *message)
{
	if (message->exception)
		return ztt_rpc_return_exception(message->id,
						string(&message->reason), out,
						sizeof(out));
	if (message->has_capability)
		return ztt_rpc_return_capability(message->id,
						 message->capability_id, out,
						 sizeof(out));
	if (message->has_registered)
		return ztt_rpc_return_registered(message->id,
						 &message->registered, out,
						 sizeof(out));
	return ztt_rpc_return_empty(message->id, out, sizeof(out));
}

/* 0 when there is no writer for such a message. */
static ssize_t write_message(struct ztt_rpc_message *message)
{
	switch (message->tag) {
	case ZTT_RPC_BOOTSTRAP:
		return ztt_rpc_bootstrap(message->id, out, sizeof(out));
	case ZTT_RPC_CALL:
		return write_call(message);
	case ZTT_RPC_RETURN:
		return write_return(message);
	case ZTT_RPC_FINISH:
		return ztt_rpc_finish(message->id, message->release_result_caps,
				      out, sizeof(out));
	case ZTT_RPC_RELEASE:
		return ztt_rpc_release(message->id, message->release_count, out,
				       sizeof(out));
	case ZTT_RPC_ABORT:
		return ztt_rpc_abort(string(&message->reason), out,
				     sizeof(out));
	default:
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_rpc_message message, again;
	ssize_t consumed = ztt_rpc_decode(data, size, &message);
	ssize_t written;

	check(consumed <= (ssize_t)size);
	if (consumed <= 0)
		return 0;
	check(ztt_rpc_decode(data, (size_t)consumed - 1, &again) == 0);
	written = write_message(&message);
	check(written >= 0);
	if (written == 0)
		return 0;
	/* Pointers that share a target do not grow a message further. */
	check(written <= 2 * consumed + 1024);
	check(ztt_rpc_decode(out, (size_t)written, &again) == written);
	check(same_message(&message, &again));
	return 0;
}
