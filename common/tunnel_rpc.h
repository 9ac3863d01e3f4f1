/* The messages of cloudflared's control stream: Cap'n Proto RPC with the fixed
 * set of messages that registration uses (capnproto rpc.capnp; cloudflared
 * tunnelrpc/proto/tunnelrpc.capnp). One codec for edge, agent and decoder. */
#ifndef ZTT_TUNNEL_RPC_H
#define ZTT_TUNNEL_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http1.h"

#define ZTT_RPC_MAX_BYTES \
	262144 /* of one message; a local configuration is
				    the largest */
#define ZTT_RPC_REGISTRATION UINT64_C(0xf71695ec7fe85497)
#define ZTT_RPC_SESSION UINT64_C(0x839445a59fb01686)
#define ZTT_RPC_CONFIGURATION UINT64_C(0xb48edfbdaa25db04)
#define ZTT_RPC_FEATURES_MAX 32

/* As in rpc.capnp's Message union. */
enum ztt_rpc_tag {
	ZTT_RPC_UNIMPLEMENTED = 0,
	ZTT_RPC_ABORT = 1,
	ZTT_RPC_CALL = 2,
	ZTT_RPC_RETURN = 3,
	ZTT_RPC_FINISH = 4,
	ZTT_RPC_RELEASE = 6,
	ZTT_RPC_BOOTSTRAP = 8,
	ZTT_RPC_DISEMBARGO = 13,
};

/* Methods of RegistrationServer. */
enum ztt_rpc_method {
	ZTT_RPC_REGISTER_CONNECTION = 0,
	ZTT_RPC_UNREGISTER_CONNECTION = 1,
	ZTT_RPC_UPDATE_LOCAL_CONFIGURATION = 2,
};

/* Parameters of registerConnection. tunnel_secret is a secret. */
struct ztt_rpc_register {
	struct ztt_slice account_tag, tunnel_secret;
	uint8_t tunnel_id[16];
	uint8_t conn_index;
	uint8_t client_id[16];
	struct ztt_slice features[ZTT_RPC_FEATURES_MAX];
	size_t feature_count;
	struct ztt_slice version, arch;
	struct ztt_slice origin_local_ip; /* 4 or 16 bytes, or empty */
	bool replace_existing;
	uint8_t compression_quality, previous_attempts;
};

/* Result of registerConnection: a union of refusal and details. */
struct ztt_rpc_registered {
	bool refused;
	struct ztt_slice cause; /* refused: the reason, e.g. "EDUPCONN" */
	int64_t retry_after_ns; /* refused */
	bool should_retry;      /* refused */
	uint8_t uuid[16];       /* of the connection */
	struct ztt_slice location;
	bool remotely_managed;
};

/* What a message says; only the fields of its tag are set. Slices point into
 * the decoded bytes. */
struct ztt_rpc_message {
	enum ztt_rpc_tag tag;
	uint32_t id; /* question, answer or import id */

	/* CALL */
	uint64_t interface_id;
	uint16_t method_id;
	bool target_promised; /* else an imported capability */
	uint32_t target_id;   /* its question or its import id */
	struct ztt_rpc_register registration; /* REGISTER_CONNECTION */
	struct ztt_slice configuration; /* UPDATE_LOCAL_CONFIGURATION: JSON */

	/* RETURN */
	bool exception;      /* then `reason` */
	bool has_capability; /* the answer to a bootstrap */
	uint32_t capability_id;
	bool has_registered; /* content is no capability and not empty:
				    read as registerConnection's result */
	struct ztt_rpc_registered registered;

	struct ztt_slice reason;  /* ABORT, or RETURN with an exception */
	uint32_t release_count;   /* RELEASE */
	bool release_result_caps; /* FINISH */
};

/* Reads one message, framing included. Returns the bytes consumed, 0 when more
 * are needed, -EPROTO when malformed (also an id that is not 16 bytes, or an
 * address that is not 4 or 16), -EMSGSIZE past ZTT_RPC_MAX_BYTES or
 * ZTT_RPC_FEATURES_MAX. Tags that are not in the enum, UNIMPLEMENTED and
 * DISEMBARGO are passed over: the message has that tag and nothing else. Texts
 * may hold any byte. */
ssize_t ztt_rpc_decode(const uint8_t *data, size_t len_bytes,
		       struct ztt_rpc_message *ret_message);

/* Writers of the messages that either side sends (tunnel_rpc_write.c). Each
 * returns the length, or -EMSGSIZE when `cap_bytes` or ZTT_RPC_MAX_BYTES does
 * not hold it. Never allocate. Calls come out byte for byte as cloudflared's.
 */
ssize_t ztt_rpc_bootstrap(uint32_t question, uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_call_register(uint32_t question, uint32_t bootstrap_question,
			      const struct ztt_rpc_register *params,
			      uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_call_unregister(uint32_t question, uint32_t import_id,
				uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_call_configuration(uint32_t question, uint32_t import_id,
				   struct ztt_slice json, uint8_t *out,
				   size_t cap_bytes);
ssize_t ztt_rpc_return_capability(uint32_t answer, uint32_t export_id,
				  uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_return_registered(uint32_t answer,
				  const struct ztt_rpc_registered *result,
				  uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_return_empty(uint32_t answer, uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_return_exception(uint32_t answer, const char *reason,
				 uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_finish(uint32_t question, bool release_result_caps,
		       uint8_t *out, size_t cap_bytes);
ssize_t ztt_rpc_release(uint32_t import_id, uint32_t count, uint8_t *out,
			size_t cap_bytes);
ssize_t ztt_rpc_abort(const char *reason, uint8_t *out, size_t cap_bytes);

#endif
