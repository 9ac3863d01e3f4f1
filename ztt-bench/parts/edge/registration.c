#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tunnel_rpc.h"
#include "ztt-bench/parts/edge/tunnel.h"

#define CAPABILITY_ID 0 /* the one that the bootstrap answer exports */
#define ANSWER_BYTES 2048

static struct ztt_slice slice_of(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

/* Constant time, so that the secret cannot be guessed byte by byte. */
static bool is_known(const struct ztt_edge *edge,
		     const struct ztt_rpc_register *params)
{
	const struct ztt_credentials *known = &edge->credentials;

	return params->tunnel_secret.len_bytes == sizeof(known->secret) &&
	       gnutls_memcmp(params->tunnel_secret.at, known->secret,
			     sizeof(known->secret)) == 0 &&
	       memcmp(params->tunnel_id, known->tunnel_id,
		      sizeof(known->tunnel_id)) == 0;
}

static const char *refusal(const struct ztt_edge *edge,
			   const struct ztt_rpc_register *params)
{
	if (edge->refuse)
		return edge->refuse;
	if (edge->check_credentials && !is_known(edge, params))
		return "Unauthorized: Invalid tunnel secret";
	return NULL;
}

static void note_connector(struct ztt_tunnel *tunnel,
			   const struct ztt_rpc_register *params)
{
	size_t len = params->version.len_bytes;

	if (len >= sizeof(tunnel->version))
		len = sizeof(tunnel->version) - 1;
	for (size_t i = 0; i < len; i++)
		tunnel->version[i] = params->version.at[i] > ' ' &&
						     params->version.at[i] < 127
					     ? params->version.at[i]
					     : '?';
	tunnel->version[len] = '\0';
	tunnel->conn_index = params->conn_index;
}

static ssize_t answer_register(struct ztt_tunnel *tunnel,
			       const struct ztt_rpc_message *call, uint8_t *out)
{
	const struct ztt_edge *edge = tunnel->worker->edge;
	const char *cause = refusal(edge, &call->registration);
	struct ztt_rpc_registered result = {.refused = cause};

	note_connector(tunnel, &call->registration);
	if (cause) {
		result.cause = slice_of(cause);
		ztt_edge_say(tunnel->worker->edge,
			     "refused connection %u of connector %s: %s",
			     tunnel->conn_index, tunnel->version, cause);
	} else {
		gnutls_rnd(GNUTLS_RND_NONCE, result.uuid, sizeof(result.uuid));
		result.location = slice_of(edge->location);
		ztt_edge_registered(tunnel);
	}
	return ztt_rpc_return_registered(call->id, &result, out, ANSWER_BYTES);
}

static ssize_t answer_call(struct ztt_tunnel *tunnel,
			   const struct ztt_rpc_message *call, uint8_t *out)
{
	if (call->interface_id != ZTT_RPC_REGISTRATION)
		return ztt_rpc_return_exception(call->id, "unknown interface",
						out, ANSWER_BYTES);
	switch (call->method_id) {
	case ZTT_RPC_REGISTER_CONNECTION:
		return answer_register(tunnel, call, out);
	case ZTT_RPC_UNREGISTER_CONNECTION:
		ztt_edge_unregistered(tunnel, "the connector unregistered");
		return ztt_rpc_return_empty(call->id, out, ANSWER_BYTES);
	case ZTT_RPC_UPDATE_LOCAL_CONFIGURATION:
		return ztt_rpc_return_empty(call->id, out, ANSWER_BYTES);
	default:
		return ztt_rpc_return_exception(call->id, "unknown method", out,
						ANSWER_BYTES);
	}
}

static void answer(struct ztt_tunnel *tunnel,
		   const struct ztt_rpc_message *message)
{
	uint8_t out[ANSWER_BYTES];
	ssize_t len = 0;

	if (message->tag == ZTT_RPC_BOOTSTRAP)
		len = ztt_rpc_return_capability(message->id, CAPABILITY_ID, out,
						sizeof(out));
	else if (message->tag == ZTT_RPC_CALL)
		len = answer_call(tunnel, message, out);
	if (len > 0)
		ztt_quic_write(&tunnel->control, out, (size_t)len);
}

static bool keep(struct ztt_tunnel *tunnel, const uint8_t *data,
		 size_t len_bytes)
{
	if (len_bytes > ZTT_RPC_MAX_BYTES - tunnel->rpc_len)
		return false;
	if (tunnel->rpc_len + len_bytes > tunnel->rpc_cap) {
		tunnel->rpc_cap = tunnel->rpc_len + len_bytes + 4096;
		tunnel->rpc = ztt_realloc(tunnel->rpc, tunnel->rpc_cap);
	}
	if (len_bytes)
		memcpy(tunnel->rpc + tunnel->rpc_len, data, len_bytes);
	tunnel->rpc_len += len_bytes;
	return true;
}

void ztt_tunnel_control(struct ztt_tunnel *tunnel, const uint8_t *data,
			size_t len_bytes, bool fin)
{
	struct ztt_rpc_message *message;
	size_t used = 0;
	ssize_t n = -1;

	if (!keep(tunnel, data, len_bytes))
		goto out;
	message = ztt_alloc(sizeof(*message));
	while ((n = ztt_rpc_decode(tunnel->rpc + used, tunnel->rpc_len - used,
				   message)) > 0) {
		answer(tunnel, message);
		used += (size_t)n;
	}
	free(message);
	tunnel->rpc_len -= used;
	if (tunnel->rpc_len && used)
		memmove(tunnel->rpc, tunnel->rpc + used, tunnel->rpc_len);
	if (fin)
		ztt_quic_finish(&tunnel->control);
out:
	if (n < 0)
		ztt_quic_close(tunnel->quic, 1,
			       "malformed message on the control stream");
}
