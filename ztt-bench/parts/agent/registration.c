#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tunnel_rpc.h"
#include "common/version.h"
#include "ztt-bench/parts/agent/agent.h"

#define MESSAGE_BYTES 2048

/* As cloudflared counts its questions. */
enum question {
	QUESTION_BOOTSTRAP = 0,
	QUESTION_REGISTER = 1,
	QUESTION_CONFIGURE = 2,
	QUESTION_UNREGISTER = 3,
};

static struct ztt_slice slice_of(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static void send_message(struct ztt_link *link, const uint8_t *message,
			 ssize_t len)
{
	if (len > 0)
		ztt_quic_write(&link->control, message, (size_t)len);
}

void ztt_link_register(struct ztt_link *link)
{
	static const char *const features[] = {"serialized_headers",
					       "support_quic_eof"};
	const struct ztt_agent *agent = link->worker->agent;
	const struct ztt_credentials *own = &agent->credentials;
	struct ztt_rpc_register params = {
		.account_tag = slice_of(own->account_tag),
		.tunnel_secret = {(const char *)own->secret,
				  sizeof(own->secret)},
		.conn_index = link->index,
		.version = slice_of("ztt-" ZTT_VERSION),
		.arch = slice_of("linux"),
		.feature_count = 2,
		.previous_attempts =
			(uint8_t)(link->attempts < 255 ? link->attempts : 255),
	};
	uint8_t out[MESSAGE_BYTES];

	memcpy(params.tunnel_id, own->tunnel_id, sizeof(params.tunnel_id));
	memcpy(params.client_id, agent->client_id, sizeof(params.client_id));
	for (size_t i = 0; i < params.feature_count; i++)
		params.features[i] = slice_of(features[i]);
	send_message(link, out,
		     ztt_rpc_bootstrap(QUESTION_BOOTSTRAP, out, sizeof(out)));
	send_message(link, out,
		     ztt_rpc_call_register(QUESTION_REGISTER,
					   QUESTION_BOOTSTRAP, &params, out,
					   sizeof(out)));
}

static void configure(struct ztt_link *link)
{
	const struct ztt_agent *agent = link->worker->agent;
	uint8_t out[MESSAGE_BYTES];
	char json[256];

	snprintf(json, sizeof(json),
		 "{\"ingress\":[{\"service\":\"http://%s\"}]}",
		 agent->origin_host);
	send_message(link, out,
		     ztt_rpc_call_configuration(QUESTION_CONFIGURE, 0,
						slice_of(json), out,
						sizeof(out)));
}

void ztt_link_unregister(struct ztt_link *link)
{
	uint8_t out[MESSAGE_BYTES];

	send_message(link, out,
		     ztt_rpc_call_unregister(QUESTION_UNREGISTER, 0, out,
					     sizeof(out)));
}

static void finish_question(struct ztt_link *link, uint32_t question)
{
	uint8_t out[64];

	send_message(link, out,
		     ztt_rpc_finish(question, false, out, sizeof(out)));
}

static void on_registered(struct ztt_link *link,
			  const struct ztt_rpc_message *answer)
{
	char cause[256];

	if (answer->exception) {
		snprintf(cause, sizeof(cause), "%.*s",
			 (int)answer->reason.len_bytes, answer->reason.at);
		ztt_link_refused(link, cause, false);
	} else if (!answer->has_registered) {
		ztt_link_refused(link, "the edge's answer says nothing", false);
	} else if (answer->registered.refused) {
		snprintf(cause, sizeof(cause), "%.*s",
			 (int)answer->registered.cause.len_bytes,
			 answer->registered.cause.at);
		ztt_link_refused(link, cause, answer->registered.should_retry);
	} else {
		if (link->index == 0 && !answer->registered.remotely_managed)
			configure(link);
		ztt_link_registered(link);
	}
}

static void on_message(struct ztt_link *link,
		       const struct ztt_rpc_message *message)
{
	if (message->tag == ZTT_RPC_ABORT) {
		ztt_quic_close(link->quic, 0, "the edge aborted the RPC");
		return;
	}
	if (message->tag != ZTT_RPC_RETURN)
		return;
	finish_question(link, message->id);
	if (message->id == QUESTION_REGISTER)
		on_registered(link, message);
	else if (message->id == QUESTION_UNREGISTER)
		ztt_link_unregistered(link);
}

static bool keep(struct ztt_link *link, const uint8_t *data, size_t len)
{
	if (len > ZTT_RPC_MAX_BYTES - link->rpc_len)
		return false;
	if (link->rpc_len + len > link->rpc_cap) {
		link->rpc_cap = link->rpc_len + len + 4096;
		link->rpc = ztt_realloc(link->rpc, link->rpc_cap);
	}
	if (len)
		memcpy(link->rpc + link->rpc_len, data, len);
	link->rpc_len += len;
	return true;
}

void ztt_link_control(struct ztt_link *link, const uint8_t *data,
		      size_t len_bytes)
{
	struct ztt_rpc_message *message;
	size_t used = 0;
	ssize_t n = -1;

	if (keep(link, data, len_bytes)) {
		message = ztt_alloc(sizeof(*message));
		while ((n = ztt_rpc_decode(link->rpc + used,
					   link->rpc_len - used, message)) >
		       0) {
			on_message(link, message);
			used += (size_t)n;
		}
		free(message);
		link->rpc_len -= used;
		if (link->rpc_len && used)
			memmove(link->rpc, link->rpc + used, link->rpc_len);
	}
	if (n < 0)
		ztt_quic_close(link->quic, 1,
			       "malformed message on the control stream");
}
