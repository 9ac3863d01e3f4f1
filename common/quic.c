#include "quic.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "loop.h"
#include "packet_key.h"
#include "send_queue.h"
#include "tls.h"
#include "udp_bursts.h"

/* What moved between 0.12.1 and 1.x. */
#if NGTCP2_VERSION_NUM >= 0x010000
#define close_error ngtcp2_ccerr
#define close_error_default ngtcp2_ccerr_default
#define close_error_liberr ngtcp2_ccerr_set_liberr
#define close_error_alert ngtcp2_ccerr_set_tls_alert
#define close_error_application ngtcp2_ccerr_set_application_error
#define CLOSE_APPLICATION NGTCP2_CCERR_TYPE_APPLICATION
#define shutdown_stream(conn, id, code) \
	ngtcp2_conn_shutdown_stream(conn, 0, id, code)
#define BBR NGTCP2_CC_ALGO_BBR
#else
#define close_error ngtcp2_connection_close_error
#define close_error_default ngtcp2_connection_close_error_default
#define close_error_liberr \
	ngtcp2_connection_close_error_set_transport_error_liberr
#define close_error_alert \
	ngtcp2_connection_close_error_set_transport_error_tls_alert
#define close_error_application \
	ngtcp2_connection_close_error_set_application_error
#define CLOSE_APPLICATION NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION
#define shutdown_stream(conn, id, code) \
	ngtcp2_conn_shutdown_stream(conn, id, code)
#define BBR NGTCP2_CC_ALGO_BBR2
#endif

#define SCID_BYTES 8
#define ROUNDS_MAX 4 /* of filling the bursts, before others have their turn */
#define LOOPBACK_MTU_MIN 9000

struct ztt_quic_shared {
	struct ztt_loop *loop;
	struct ztt_udp_batch *batch;
	struct ztt_pool pool;
	struct ztt_udp_bursts bursts;
};

struct ztt_quic {
	struct ztt_quic_plan plan;
	struct ztt_udp udp;
	struct ztt_watch watch;
	struct ztt_timer timer;
	struct ztt_deferred flush;

	ngtcp2_conn *conn;
	ngtcp2_crypto_conn_ref ref;
	ngtcp2_path path;
	gnutls_session_t session;
	bool server, established, ending;
	struct ztt_quic_end end;
	size_t payload_max;

	struct ztt_quic_stream *streams;
	size_t stream_count;
	struct ztt_send_queue queue;
	struct ztt_quic_stream *stopped_first; /* the owner is to be told */

	uint64_t held_bytes; /* received, not consumed by the owner */
	uint64_t owed_bytes; /* of connection credit, kept back meanwhile */

	struct ztt_udp_bursts *stuck; /* what the socket had no room for */
};

struct ztt_quic_shared *ztt_quic_shared_new(struct ztt_loop *loop)
{
	struct ztt_quic_shared *shared = ztt_calloc(1, sizeof(*shared));

	shared->loop = loop;
	shared->batch = ztt_udp_batch_new();
	ztt_pool_init(&shared->pool, 8 << 20);
	return shared;
}

void ztt_quic_shared_free(struct ztt_quic_shared *shared)
{
	if (!shared)
		return;
	ztt_udp_batch_free(shared->batch);
	ztt_pool_release(&shared->pool);
	free(shared);
}

struct ztt_pool *ztt_quic_shared_pool(struct ztt_quic_shared *shared)
{
	return &shared->pool;
}

static ngtcp2_conn *conn_of_ref(ngtcp2_crypto_conn_ref *ref)
{
	struct ztt_quic *quic = ref->user_data;

	return quic->conn;
}

static void defer_flush(struct ztt_quic *quic)
{
	ztt_loop_defer(quic->plan.shared->loop, &quic->flush);
}

/* The first reason is the true one. */
static void begin_end(struct ztt_quic *quic, enum ztt_quic_end_kind kind,
		      uint64_t code, const char *text)
{
	if (quic->ending)
		return;
	quic->ending = true;
	quic->end.kind = kind;
	quic->end.code = code;
	snprintf(quic->end.text, sizeof(quic->end.text), "%s", text);
	defer_flush(quic);
}

/* --- streams ---------------------------------------------------------- */

static void attach(struct ztt_quic *quic, struct ztt_quic_stream *stream,
		   int64_t id)
{
	stream->quic = quic;
	stream->id = id;
	ztt_chain_init(&stream->out, &quic->plan.shared->pool);
	stream->next = quic->streams;
	if (quic->streams)
		quic->streams->prev = stream;
	quic->streams = stream;
	quic->stream_count++;
}

size_t ztt_quic_reserve(struct ztt_quic_stream *stream, size_t want_bytes,
			struct iovec *ret_vec, size_t vec_max)
{
	size_t room;

	if (!stream->quic || stream->finishing)
		return 0;
	room = ztt_send_queue_room(&stream->quic->queue, stream);
	return ztt_chain_reserve(&stream->out,
				 want_bytes < room ? want_bytes : room, ret_vec,
				 vec_max);
}

static void add_unsent(struct ztt_quic_stream *stream, size_t len_bytes)
{
	ztt_send_queue_added(&stream->quic->queue, stream, len_bytes);
	defer_flush(stream->quic);
}

static void give_credit(struct ztt_quic *quic, uint64_t released_bytes)
{
	quic->held_bytes -= released_bytes;
	if (!quic->owed_bytes || quic->held_bytes > quic->plan.window_bytes)
		return;
	ngtcp2_conn_extend_max_offset(quic->conn, quic->owed_bytes);
	quic->owed_bytes = 0;
}

static void detach(struct ztt_quic_stream *stream)
{
	struct ztt_quic *quic = stream->quic;

	ztt_send_queue_forget(&quic->queue, stream);
	ztt_send_queue_acked(&quic->queue, stream, stream->out.len_bytes);
	if (stream->prev)
		stream->prev->next = stream->next;
	else
		quic->streams = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	quic->stream_count--;
	ztt_chain_release(&stream->out);
	give_credit(quic, stream->unconsumed_bytes);
	stream->quic = NULL;
	quic->plan.events->closed(stream);
}

void ztt_quic_commit(struct ztt_quic_stream *stream, size_t len_bytes)
{
	ztt_chain_commit(&stream->out, len_bytes);
	if (!len_bytes)
		return;
	if (stream->taken_bytes < ZTT_CHUNK_BYTES)
		stream->taken_bytes += len_bytes;
	add_unsent(stream, len_bytes);
}

void ztt_quic_write(struct ztt_quic_stream *stream, const void *data,
		    size_t len_bytes)
{
	if (!stream->quic || stream->finishing || !len_bytes)
		return;
	ztt_chain_append(&stream->out, data, len_bytes);
	add_unsent(stream, len_bytes);
}

void ztt_quic_finish(struct ztt_quic_stream *stream)
{
	if (!stream->quic || stream->finishing)
		return;
	stream->finishing = true;
	ztt_send_queue_put(&stream->quic->queue, stream);
	defer_flush(stream->quic);
}

void ztt_quic_reset(struct ztt_quic_stream *stream, uint64_t code)
{
	struct ztt_quic *quic = stream->quic;

	if (!quic)
		return;
	ztt_send_queue_forget(&stream->quic->queue, stream);
	if (!quic->ending)
		shutdown_stream(quic->conn, stream->id, code);
	defer_flush(quic);
}

void ztt_quic_consumed(struct ztt_quic_stream *stream, size_t len_bytes)
{
	struct ztt_quic *quic = stream->quic;

	if (!quic || !len_bytes)
		return;
	assert(len_bytes <= stream->unconsumed_bytes);
	stream->unconsumed_bytes -= len_bytes;
	ngtcp2_conn_extend_max_stream_offset(quic->conn, stream->id, len_bytes);
	give_credit(quic, len_bytes);
	defer_flush(quic);
}

int ztt_quic_open(struct ztt_quic *quic, struct ztt_quic_stream *stream)
{
	int64_t id;
	int rc;

	if (!quic->established || quic->ending)
		return -ENOTCONN;
	rc = ngtcp2_conn_open_bidi_stream(quic->conn, &id, stream);
	if (rc == NGTCP2_ERR_STREAM_ID_BLOCKED)
		return -EAGAIN;
	if (rc != 0)
		return -ENOTCONN;
	attach(quic, stream, id);
	return 0;
}

/* --- ngtcp2's callbacks ------------------------------------------------ */

static int on_established(ngtcp2_conn *conn, void *user)
{
	struct ztt_quic *quic = user;

	(void)conn;
	quic->established = true;
	if (quic->plan.heed_icmp)
		ztt_udp_keep_errors(quic->udp.fd, false);
	if (quic->plan.keep_alive_ns)
		ngtcp2_conn_set_keep_alive_timeout(conn,
						   quic->plan.keep_alive_ns);
	if (quic->plan.events->established)
		quic->plan.events->established(quic->plan.owner);
	return 0;
}

static int on_stream_open(ngtcp2_conn *conn, int64_t id, void *user)
{
	struct ztt_quic *quic = user;
	struct ztt_quic_stream *stream = NULL;

	if (ngtcp2_is_bidi_stream(id) && quic->plan.events->opened)
		stream = quic->plan.events->opened(quic->plan.owner, id);
	if (!stream) {
		shutdown_stream(conn, id, 0);
		return 0;
	}
	attach(quic, stream, id);
	ngtcp2_conn_set_stream_user_data(conn, id, stream);
	return 0;
}

static int on_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id,
			  uint64_t offset, const uint8_t *data, size_t len,
			  void *user, void *stream_user)
{
	struct ztt_quic *quic = user;
	struct ztt_quic_stream *stream = stream_user;

	(void)id;
	(void)offset;
	if (!stream || quic->ending) {
		ngtcp2_conn_extend_max_offset(conn, len);
		return 0;
	}
	stream->unconsumed_bytes += len;
	quic->held_bytes += len;
	if (quic->held_bytes <= quic->plan.window_bytes)
		ngtcp2_conn_extend_max_offset(conn, len);
	else
		quic->owed_bytes += len;
	quic->plan.events->data(stream, data, len,
				flags & NGTCP2_STREAM_DATA_FLAG_FIN);
	return 0;
}

static int on_acked(ngtcp2_conn *conn, int64_t id, uint64_t offset,
		    uint64_t len, void *user, void *stream_user)
{
	struct ztt_quic *quic = user;
	struct ztt_quic_stream *stream = stream_user;

	(void)conn;
	(void)id;
	(void)offset;
	if (!stream || !stream->quic)
		return 0;
	ztt_send_queue_acked(&quic->queue, stream, len);
	return 0;
}

static int on_stream_reset(ngtcp2_conn *conn, int64_t id, uint64_t final_size,
			   uint64_t code, void *user, void *stream_user)
{
	struct ztt_quic *quic = user;

	(void)conn;
	(void)id;
	(void)final_size;
	if (stream_user && quic->plan.events->reset)
		quic->plan.events->reset(stream_user, code);
	return 0;
}

static int on_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id,
			   uint64_t code, void *user, void *stream_user)
{
	struct ztt_quic *quic = user;

	(void)flags;
	(void)code;
	if (!ngtcp2_conn_is_local_stream(conn, id) && ngtcp2_is_bidi_stream(id))
		ngtcp2_conn_extend_max_streams_bidi(conn, 1);
	if (stream_user &&
	    ((struct ztt_quic_stream *)stream_user)->quic == quic)
		detach(stream_user);
	return 0;
}

static int on_more_stream_data(ngtcp2_conn *conn, int64_t id, uint64_t max,
			       void *user, void *stream_user)
{
	struct ztt_quic_stream *stream = stream_user;

	(void)conn;
	(void)id;
	(void)max;
	(void)user;
	if (!stream || !stream->quic || !stream->blocked)
		return 0;
	ztt_send_queue_block(&stream->quic->queue, stream, false);
	defer_flush(stream->quic);
	return 0;
}

static void random_bytes(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	gnutls_rnd(GNUTLS_RND_NONCE, out, len);
}

static int new_connection_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
			     size_t len, void *user)
{
	(void)conn;
	(void)user;
	gnutls_rnd(GNUTLS_RND_RANDOM, cid->data, len);
	cid->datalen = len;
	gnutls_rnd(GNUTLS_RND_RANDOM, token, NGTCP2_STATELESS_RESET_TOKENLEN);
	return 0;
}

/* --- packet protection -------------------------------------------------- */

/* Handshake and 1-RTT keys are our own, Initial ones the crypto helper's: a
 * handle's lowest bit tells which. */
static void *tag(void *key)
{
	return (void *)((uintptr_t)key | 1);
}

static void *own(void *handle)
{
	return (uintptr_t)handle & 1 ? (void *)((uintptr_t)handle - 1) : NULL;
}

static int on_encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead,
		      const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *plain,
		      size_t len, const uint8_t *nonce, size_t nonce_len,
		      const uint8_t *aad, size_t aad_len)
{
	struct ztt_packet_key *key = own(ctx->native_handle);

	if (!key)
		return ngtcp2_crypto_encrypt_cb(out, aead, ctx, plain, len,
						nonce, nonce_len, aad, aad_len);
	return ztt_packet_seal(key, nonce, aad, aad_len, plain, len, out) < 0
		       ? NGTCP2_ERR_CALLBACK_FAILURE
		       : 0;
}

static int on_decrypt(uint8_t *out, const ngtcp2_crypto_aead *aead,
		      const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *sealed,
		      size_t len, const uint8_t *nonce, size_t nonce_len,
		      const uint8_t *aad, size_t aad_len)
{
	struct ztt_packet_key *key = own(ctx->native_handle);

	if (!key)
		return ngtcp2_crypto_decrypt_cb(out, aead, ctx, sealed, len,
						nonce, nonce_len, aad, aad_len);
	return ztt_packet_open(key, nonce, aad, aad_len, sealed, len, out) < 0
		       ? NGTCP2_ERR_DECRYPT
		       : 0;
}

static int on_header_mask(uint8_t *out, const ngtcp2_crypto_cipher *cipher,
			  const ngtcp2_crypto_cipher_ctx *ctx,
			  const uint8_t *sample)
{
	struct ztt_header_key *key = own(ctx->native_handle);

	if (!key)
		return ngtcp2_crypto_hp_mask_cb(out, cipher, ctx, sample);
	return ztt_header_mask(key, sample, out) < 0
		       ? NGTCP2_ERR_CALLBACK_FAILURE
		       : 0;
}

static void on_delete_key(ngtcp2_conn *conn, ngtcp2_crypto_aead_ctx *ctx,
			  void *user)
{
	struct ztt_packet_key *key = own(ctx->native_handle);

	if (key)
		ztt_packet_key_free(key);
	else
		ngtcp2_crypto_delete_crypto_aead_ctx_cb(conn, ctx, user);
}

static void on_delete_header_key(ngtcp2_conn *conn,
				 ngtcp2_crypto_cipher_ctx *ctx, void *user)
{
	struct ztt_header_key *key = own(ctx->native_handle);

	if (key)
		ztt_header_key_free(key);
	else
		ngtcp2_crypto_delete_crypto_cipher_ctx_cb(conn, ctx, user);
}

static struct ztt_packet_secret secret_of(gnutls_session_t session,
					  const uint8_t *secret, size_t len)
{
	return (struct ztt_packet_secret){
		.hash = (gnutls_mac_algorithm_t)gnutls_prf_hash_get(session),
		.cipher = gnutls_cipher_get(session),
		.secret = secret,
		.len_bytes = len,
	};
}

static bool next_key(const struct ztt_packet_secret *current, bool seals,
		     uint8_t *next_secret, ngtcp2_crypto_aead_ctx *ret_ctx,
		     uint8_t *ret_iv)
{
	struct ztt_packet_secret next = *current;
	struct ztt_packet_key *key;

	if (ztt_packet_secret_next(current, next_secret) < 0)
		return false;
	next.secret = next_secret;
	key = ztt_packet_key_new(&next, seals, ret_iv);
	if (key)
		ret_ctx->native_handle = tag(key);
	return key;
}

static int on_update_key(ngtcp2_conn *conn, uint8_t *rx_secret,
			 uint8_t *tx_secret, ngtcp2_crypto_aead_ctx *rx_ctx,
			 uint8_t *rx_iv, ngtcp2_crypto_aead_ctx *tx_ctx,
			 uint8_t *tx_iv, const uint8_t *current_rx,
			 const uint8_t *current_tx, size_t len, void *user)
{
	struct ztt_quic *quic = user;
	const struct ztt_packet_secret rx =
		secret_of(quic->session, current_rx, len);
	const struct ztt_packet_secret tx =
		secret_of(quic->session, current_tx, len);

	(void)conn;
	if (!next_key(&rx, false, rx_secret, rx_ctx, rx_iv))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	if (next_key(&tx, true, tx_secret, tx_ctx, tx_iv))
		return 0;
	ztt_packet_key_free(own(rx_ctx->native_handle));
	rx_ctx->native_handle = NULL;
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int install(ngtcp2_conn *conn, bool handshake, bool seals,
		   const struct ztt_packet_secret *secret,
		   const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *iv,
		   const ngtcp2_crypto_cipher_ctx *header)
{
	if (handshake)
		return seals ? ngtcp2_conn_install_tx_handshake_key(
				       conn, ctx, iv, ZTT_PACKET_IV_BYTES,
				       header)
			     : ngtcp2_conn_install_rx_handshake_key(
				       conn, ctx, iv, ZTT_PACKET_IV_BYTES,
				       header);
	return seals ? ngtcp2_conn_install_tx_key(conn, secret->secret,
						  secret->len_bytes, ctx, iv,
						  ZTT_PACKET_IV_BYTES, header)
		     : ngtcp2_conn_install_rx_key(conn, secret->secret,
						  secret->len_bytes, ctx, iv,
						  ZTT_PACKET_IV_BYTES, header);
}

static int install_secret(struct ztt_quic *quic, bool handshake, bool seals,
			  const uint8_t *bytes, size_t len)
{
	const struct ztt_packet_secret secret =
		secret_of(quic->session, bytes, len);
	uint8_t iv[ZTT_PACKET_IV_BYTES];
	struct ztt_packet_key *key = ztt_packet_key_new(&secret, seals, iv);
	struct ztt_header_key *header = ztt_header_key_new(&secret);
	const ngtcp2_crypto_aead_ctx key_ctx = {tag(key)};
	const ngtcp2_crypto_cipher_ctx header_ctx = {tag(header)};

	if (key && header &&
	    install(quic->conn, handshake, seals, &secret, &key_ctx, iv,
		    &header_ctx) == 0)
		return 0;
	ztt_packet_key_free(key);
	ztt_header_key_free(header);
	return -1;
}

/* In place of the crypto helper's own hook, which only differs in whose keys it
 * makes: with GnuTLS the transport parameters go by an extension. */
static int on_secrets(gnutls_session_t session,
		      gnutls_record_encryption_level_t level, const void *rx,
		      const void *tx, size_t len)
{
	const bool handshake = level == GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE;
	ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(session);
	struct ztt_quic *quic = ref->user_data;
	ngtcp2_crypto_ctx ctx;

	if (!handshake && level != GNUTLS_ENCRYPTION_LEVEL_APPLICATION)
		return 0;
	if (!ngtcp2_conn_get_crypto_ctx(quic->conn)->aead.native_handle) {
		memset(&ctx, 0, sizeof(ctx));
		ngtcp2_crypto_ctx_tls(&ctx, session);
		ngtcp2_conn_set_crypto_ctx(quic->conn, &ctx);
	}
	if (rx && install_secret(quic, handshake, false, rx, len) < 0)
		return -1;
	if (tx && install_secret(quic, handshake, true, tx, len) < 0)
		return -1;
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = on_established,
	.encrypt = on_encrypt,
	.decrypt = on_decrypt,
	.hp_mask = on_header_mask,
	.recv_stream_data = on_stream_data,
	.acked_stream_data_offset = on_acked,
	.stream_open = on_stream_open,
	.stream_close = on_stream_close,
	.stream_reset = on_stream_reset,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.rand = random_bytes,
	.get_new_connection_id = new_connection_id,
	.update_key = on_update_key,
	.delete_crypto_aead_ctx = on_delete_key,
	.delete_crypto_cipher_ctx = on_delete_header_key,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
	.extend_max_stream_data = on_more_stream_data,
};

/* --- sending ------------------------------------------------------------ */

static void note_fatal(struct ztt_quic *quic, int code)
{
	char text[160];

	snprintf(text, sizeof(text), "the QUIC connection failed: %s",
		 ngtcp2_strerror(code));
	begin_end(quic, ZTT_QUIC_PROTOCOL, (uint64_t)-code, text);
}

static size_t vec_len(const struct iovec *vec, size_t count)
{
	size_t len = 0;

	while (count--)
		len += vec[count].iov_len;
	return len;
}

static struct ztt_quic_stream *next_stream(struct ztt_quic *quic)
{
	return ztt_send_queue_first(&quic->queue,
				    !ngtcp2_conn_get_max_data_left(quic->conn));
}

/* ngtcp2 before 1.24 answers STOP_SENDING without a word to us, and then refuses
 * what is written. The owner is told when the packet is finished, for until
 * then ngtcp2 is not to be called. */
static void note_stopped(struct ztt_quic_stream *stream)
{
	struct ztt_quic *quic = stream->quic;

	ztt_send_queue_forget(&quic->queue, stream);
	stream->queue_next = quic->stopped_first;
	quic->stopped_first = stream;
}

static void tell_stopped(struct ztt_quic *quic)
{
	struct ztt_quic_stream *stream;

	while ((stream = quic->stopped_first)) {
		quic->stopped_first = stream->queue_next;
		if (quic->plan.events->stopped)
			quic->plan.events->stopped(stream);
	}
}

/* Writes one packet of up to payload_max bytes to `out`, filled from as many
 * streams as fit. Returns its length, 0: nothing to send or not now, or a fatal
 * error of ngtcp2. */
static ngtcp2_ssize write_packet(struct ztt_quic *quic, uint8_t *out,
				 uint64_t now_ns)
{
	struct iovec vec[ZTT_QUIC_VEC_MAX];
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info;
	ngtcp2_ssize len, taken;

	ngtcp2_path_storage_zero(&path);
	for (;;) {
		struct ztt_quic_stream *stream = next_stream(quic);
		uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
		size_t count = 0, offered;
		bool fin = false;

		if (stream) {
			count = ztt_chain_peek(&stream->out, &stream->unsent_at,
					       ZTT_QUIC_PAYLOAD_MAX, vec,
					       ZTT_QUIC_VEC_MAX);
			offered = vec_len(vec, count);
			fin = stream->finishing &&
			      offered == stream->unsent_bytes;
			flags = NGTCP2_WRITE_STREAM_FLAG_MORE |
				(fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
		}
		taken = -1;
		len = ngtcp2_conn_writev_stream(quic->conn, &path.path, &info,
						out, quic->payload_max, &taken,
						flags, stream ? stream->id : -1,
						(const ngtcp2_vec *)vec, count,
						now_ns);
		if (stream && taken >= 0)
			ztt_send_queue_written(&quic->queue, stream,
					       (size_t)taken,
					       fin && (size_t)taken == offered);
		switch (len) {
		case NGTCP2_ERR_WRITE_MORE:
			continue;
		case NGTCP2_ERR_STREAM_DATA_BLOCKED:
			ztt_send_queue_block(&quic->queue, stream, true);
			continue;
		case NGTCP2_ERR_STREAM_SHUT_WR:
		case NGTCP2_ERR_STREAM_NOT_FOUND:
			note_stopped(stream);
			continue;
		default:
			return len;
		}
	}
}

static void set_stuck(struct ztt_quic *quic, struct ztt_udp_bursts *rest)
{
	if (!rest != !quic->stuck)
		ztt_loop_change(quic->plan.shared->loop, &quic->watch,
				rest ? EPOLLIN | EPOLLOUT : EPOLLIN);
	free(quic->stuck);
	quic->stuck = rest;
}

static void feed_hungry(struct ztt_quic *quic)
{
	struct ztt_quic_stream *stream;

	while ((stream = ztt_send_queue_feed(&quic->queue)))
		if (quic->plan.events->writable)
			quic->plan.events->writable(stream);
}

static void set_timer(struct ztt_quic *quic)
{
	const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(quic->conn);

	ztt_loop_timer(quic->plan.shared->loop, &quic->timer, expiry);
}

/* A long header of type Initial, in version 1 and client side alone. */
static ngtcp2_ssize fill_initial(const struct ztt_quic *quic, uint8_t *packet,
				 ngtcp2_ssize len)
{
	const ngtcp2_ssize full = (ngtcp2_ssize)quic->plan.initial_bytes;

	if (len <= 0 || len >= full || quic->server ||
	    (packet[0] & 0xf0) != 0xc0)
		return len;
	memset(packet + len, 0, (size_t)(full - len));
	return full;
}

/* Fills the bursts once. One stream fills a burst before the next has its turn:
 * the peer then gets long runs of one stream, and hands them on in few system
 * calls. Returns whether there may be more to send. */
static bool write_packets(struct ztt_quic *quic, uint64_t now_ns)
{
	struct ztt_udp_bursts *bursts = &quic->plan.shared->bursts;
	ngtcp2_ssize len;
	uint8_t *room;

	while ((room = ztt_udp_bursts_room(bursts, quic->payload_max))) {
		len = fill_initial(quic, room,
				   write_packet(quic, room, now_ns));
		tell_stopped(quic);
		if (len < 0)
			note_fatal(quic, (int)len);
		if (len <= 0)
			return false;
		if (ztt_udp_bursts_add(bursts, (size_t)len, quic->udp.gso)) {
			ztt_send_queue_rotate(&quic->queue);
			feed_hungry(quic);
		}
	}
	return true;
}

static void end_refused(struct ztt_quic *quic)
{
	begin_end(quic, ZTT_QUIC_REFUSED, 0,
		  "nothing listens there (ICMP port unreachable)");
}

static void end_unreachable(struct ztt_quic *quic, int error)
{
	char text[160];

	snprintf(text, sizeof(text), "the peer cannot be reached: %s",
		 strerror(error));
	begin_end(quic, ZTT_QUIC_UNREACHABLE, (uint64_t)error, text);
}

/* What was lost for another reason than want of room: the kept error, if there
 * is one, knows more. */
static void note_refused(struct ztt_quic *quic, int rc)
{
	struct ztt_udp_error error = {.error = -rc};

	if (rc == 0 || !quic->plan.heed_icmp || quic->established)
		return;
	ztt_udp_next_error(quic->udp.fd, &error);
	if (rc == -ECONNREFUSED) {
		end_refused(quic);
		return;
	}
	quic->end.mtu_bytes = error.mtu_bytes;
	quic->end.prohibited = error.prohibited;
	end_unreachable(quic, error.error);
}

static void send_all(struct ztt_quic *quic)
{
	struct ztt_udp_bursts *bursts = &quic->plan.shared->bursts;
	const uint64_t now_ns = ztt_clock_ns();
	bool more = true;

	if (quic->stuck)
		set_stuck(quic, ztt_udp_bursts_send(quic->stuck, &quic->udp));
	for (int i = 0; more && !quic->stuck && i < ROUNDS_MAX; i++) {
		feed_hungry(quic);
		more = write_packets(quic, now_ns);
		bursts->refused = 0;
		set_stuck(quic, ztt_udp_bursts_send(bursts, &quic->udp));
	}
	note_refused(quic, bursts->refused);
	if (more && !quic->stuck)
		defer_flush(quic);
	set_timer(quic);
}

/* --- ending ------------------------------------------------------------- */

static void say_goodbye(struct ztt_quic *quic)
{
	const size_t reason_len = strnlen(quic->end.text, 100);
	uint8_t *out = quic->plan.shared->bursts.bytes;
	close_error error;
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info;
	ngtcp2_ssize len;

	close_error_default(&error);
	if (quic->end.kind == ZTT_QUIC_CLOSED)
		close_error_application(&error, quic->end.code,
					(const uint8_t *)quic->end.text,
					reason_len);
	else if (quic->end.kind == ZTT_QUIC_TLS)
		close_error_alert(&error, (uint8_t)quic->end.code, NULL, 0);
	else if (quic->end.kind == ZTT_QUIC_PROTOCOL)
		close_error_liberr(&error, -(int)quic->end.code, NULL, 0);
	else
		return;
	ngtcp2_path_storage_zero(&path);
	len = ngtcp2_conn_write_connection_close(quic->conn, &path.path, &info,
						 out, quic->payload_max, &error,
						 ztt_clock_ns());
	if (len > 0)
		ztt_udp_send(&quic->udp,
			     &(struct ztt_udp_burst){out, (size_t)len,
						     (size_t)len},
			     1);
}

static void finish_end(struct ztt_quic *quic)
{
	const struct ztt_quic_end end = quic->end;

	if (quic->conn)
		say_goodbye(quic);
	while (quic->streams)
		detach(quic->streams);
	ztt_loop_timer(quic->plan.shared->loop, &quic->timer, ZTT_NEVER);
	if (quic->watch.fd >= 0) {
		ztt_loop_unwatch(quic->plan.shared->loop, &quic->watch);
		close(quic->watch.fd);
		quic->watch.fd = -1;
	}
	quic->plan.events->ended(quic->plan.owner, &end);
}

static void run_flush(struct ztt_deferred *deferred)
{
	struct ztt_quic *quic = ZTT_CONTAINER(deferred, struct ztt_quic, flush);

	if (!quic->ending)
		send_all(quic);
	if (quic->ending)
		finish_end(quic);
}

void ztt_quic_close(struct ztt_quic *quic, uint64_t code, const char *reason)
{
	begin_end(quic, ZTT_QUIC_CLOSED, code, reason);
}

void ztt_quic_abandon(struct ztt_quic *quic, uint64_t code, const char *reason)
{
	begin_end(quic, ZTT_QUIC_CLOSED, code, reason);
	say_goodbye(quic);
	while (quic->streams)
		detach(quic->streams);
	ztt_quic_free(quic);
}

void ztt_quic_free(struct ztt_quic *quic)
{
	struct ztt_quic_stream *stream;

	if (!quic)
		return;
	for (stream = quic->streams; stream; stream = stream->next) {
		ztt_chain_release(&stream->out);
		stream->quic = NULL;
	}
	ztt_loop_undefer(quic->plan.shared->loop, &quic->flush);
	ztt_loop_timer(quic->plan.shared->loop, &quic->timer, ZTT_NEVER);
	if (quic->watch.fd >= 0) {
		ztt_loop_unwatch(quic->plan.shared->loop, &quic->watch);
		close(quic->watch.fd);
	}
	if (quic->conn)
		ngtcp2_conn_del(quic->conn);
	if (quic->session)
		gnutls_deinit(quic->session);
	free(quic->stuck);
	free(quic);
}

/* --- receiving ---------------------------------------------------------- */

static void end_by_peer(struct ztt_quic *quic)
{
	struct ztt_quic_end *end = &quic->end;
	uint64_t code;
	char reason[128] = "";
	size_t len;

#if NGTCP2_VERSION_NUM >= 0x010000
	const close_error *error = ngtcp2_conn_get_ccerr(quic->conn);
#else
	close_error got, *error = &got;

	ngtcp2_conn_get_connection_close_error(quic->conn, &got);
#endif
	code = error->error_code;
	len = error->reasonlen < sizeof(reason) - 1 ? error->reasonlen
						    : sizeof(reason) - 1;
	for (size_t i = 0; i < len; i++)
		reason[i] = error->reason[i] >= ' ' && error->reason[i] < 127
				    ? (char)error->reason[i]
				    : '?';
	end->application = error->type == CLOSE_APPLICATION;
	begin_end(quic, ZTT_QUIC_PEER, code, "");
	if (!end->application && code >= 0x100 && code <= 0x1ff)
		snprintf(end->text, sizeof(end->text),
			 "the peer refused the TLS handshake: %s",
			 ztt_tls_alert_meaning((unsigned)code & 0xff,
					       quic->server));
	else
		snprintf(end->text, sizeof(end->text),
			 "the peer closed the connection with %s code %llu%s%s",
			 end->application ? "application" : "transport",
			 (unsigned long long)code, *reason ? ": " : "", reason);
}

static void end_by_tls(struct ztt_quic *quic)
{
	const unsigned alert = ngtcp2_conn_get_tls_alert(quic->conn);
	char text[512];

	snprintf(text, sizeof(text), "the TLS handshake failed: %s",
		 ztt_tls_alert_meaning(alert, quic->server));
	quic->end.certificate = ztt_tls_certificate_status(quic->session);
	begin_end(quic, ZTT_QUIC_TLS, alert, text);
}

static void note_error(struct ztt_quic *quic, int code)
{
	switch (code) {
	case NGTCP2_ERR_DRAINING:
		end_by_peer(quic);
		break;
	case NGTCP2_ERR_CRYPTO:
		end_by_tls(quic);
		break;
	case NGTCP2_ERR_IDLE_CLOSE:
		begin_end(quic, ZTT_QUIC_IDLE, 0,
			  "no packet came within the idle timeout");
		break;
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		begin_end(quic, ZTT_QUIC_TIMEOUT, 0,
			  "the QUIC handshake did not complete in time");
		break;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
		begin_end(quic, ZTT_QUIC_PROTOCOL, 0,
			  "the peer does not speak this QUIC version");
		break;
	default:
		note_fatal(quic, code);
	}
}

static void read_packet(struct ztt_quic *quic, const uint8_t *data, size_t len,
			uint64_t now_ns)
{
	const ngtcp2_pkt_info info = {0};
	int rc;

	if (quic->ending || !len)
		return;
	rc = ngtcp2_conn_read_pkt(quic->conn, &quic->path, &info, data, len,
				  now_ns);
	if (rc != 0 && rc != NGTCP2_ERR_DISCARD_PKT)
		note_error(quic, rc);
}

/* cloudflared keeps its port over reconnects: an Initial for a connection ID
 * that is not ours is the peer beginning anew. */
static bool begins_anew(const struct ztt_quic *quic, const uint8_t *data,
			size_t len)
{
	ngtcp2_version_cid ids;
	const ngtcp2_cid *first;
	ngtcp2_cid scids[16];
	size_t count;

	if (!quic->server || !quic->established || (data[0] & 0xf0) != 0xc0 ||
	    ngtcp2_pkt_decode_version_cid(&ids, data, len, SCID_BYTES) != 0)
		return false;
	first = ngtcp2_conn_get_client_initial_dcid(quic->conn);
	if (ids.dcidlen == first->datalen &&
	    memcmp(ids.dcid, first->data, ids.dcidlen) == 0)
		return false; /* a late copy of its first */
	if (ids.dcidlen != SCID_BYTES)
		return true;
#if NGTCP2_VERSION_NUM >= 0x010000
	count = ngtcp2_conn_get_scid(quic->conn, NULL);
#else
	count = ngtcp2_conn_get_num_scid(quic->conn);
#endif
	if (count > sizeof(scids) / sizeof(scids[0]))
		return false;
	count = ngtcp2_conn_get_scid(quic->conn, scids);
	for (size_t i = 0; i < count; i++)
		if (scids[i].datalen == ids.dcidlen &&
		    memcmp(scids[i].data, ids.dcid, ids.dcidlen) == 0)
			return false;
	return true;
}

static void read_datagrams(struct ztt_quic *quic,
			   const struct ztt_udp_received *received,
			   uint64_t now_ns)
{
	const uint8_t *data = received->data;
	size_t left = received->len_bytes, part;

	if (left && begins_anew(quic, data, left)) {
		begin_end(quic, ZTT_QUIC_REPLACED, 0,
			  "the peer began a new connection from this port");
		return;
	}
	for (; left; data += part, left -= part) {
		part = left < received->segment_bytes ? left
						      : received->segment_bytes;
		read_packet(quic, data, part, now_ns);
	}
}

static void on_socket(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_quic *quic = ZTT_CONTAINER(watch, struct ztt_quic, watch);
	const struct ztt_udp_received *received;
	const uint64_t now_ns = ztt_clock_ns();
	int count;

	(void)events;
	defer_flush(quic);
	count = ztt_udp_receive(quic->udp.fd, quic->plan.shared->batch,
				&received);
	for (int i = 0; i < count; i++)
		read_datagrams(quic, &received[i], now_ns);
	if (count == -ECONNREFUSED && !quic->established)
		end_refused(quic);
	else if (count < 0 && count != -EAGAIN)
		note_refused(quic, count);
}

static void on_timer(struct ztt_timer *timer)
{
	struct ztt_quic *quic = ZTT_CONTAINER(timer, struct ztt_quic, timer);
	int rc;

	defer_flush(quic);
	if (quic->ending || ngtcp2_conn_get_expiry(quic->conn) > ztt_clock_ns())
		return;
	rc = ngtcp2_conn_handle_expiry(quic->conn, ztt_clock_ns());
	if (rc != 0)
		note_error(quic, rc);
}

void ztt_quic_input(struct ztt_quic *quic, const uint8_t *data,
		    size_t len_bytes)
{
	read_packet(quic, data, len_bytes, ztt_clock_ns());
	defer_flush(quic);
}

/* --- beginning ---------------------------------------------------------- */

static void fill_settings(const struct ztt_quic *quic,
			  ngtcp2_settings *settings)
{
	ngtcp2_settings_default(settings);
	settings->initial_ts = ztt_clock_ns();
	/* The other controls bound the window by the least RTT ever seen, which
	 * an idle loopback makes tiny; this one allows for aggregated ACKs. */
	settings->cc_algo = BBR;
	settings->max_tx_udp_payload_size = quic->payload_max;
	settings->handshake_timeout = quic->plan.handshake_timeout_ns;
	settings->max_window = 4 * quic->plan.window_bytes;
	settings->max_stream_window = quic->plan.window_bytes;
	if (ztt_udp_payload_max(quic->udp.fd) >= LOOPBACK_MTU_MIN) {
		/* The whole path is this host: its MTU needs no search. */
		settings->no_tx_udp_payload_size_shaping = 1;
		settings->no_pmtud = 1;
	}
}

static void fill_params(const struct ztt_quic *quic,
			ngtcp2_transport_params *params)
{
	const struct ztt_quic_plan *plan = &quic->plan;

	ngtcp2_transport_params_default(params);
	params->initial_max_stream_data_bidi_local = plan->stream_window_bytes;
	params->initial_max_stream_data_bidi_remote = plan->stream_window_bytes;
	params->initial_max_data = plan->window_bytes;
	params->initial_max_streams_bidi = plan->streams_max;
	params->max_idle_timeout = plan->idle_timeout_ns;
	params->max_udp_payload_size = ZTT_QUIC_PAYLOAD_MAX;
	params->active_connection_id_limit = 4;
	params->disable_active_migration = 1;
}

static size_t size_or(size_t value, size_t otherwise)
{
	return value ? value : otherwise;
}

static struct ztt_quic *new_quic(const struct ztt_quic_plan *plan, bool server)
{
	struct ztt_quic *quic = ztt_calloc(1, sizeof(*quic));
	struct ztt_quic_plan *own = &quic->plan;

	*own = *plan;
	own->idle_timeout_ns = size_or(plan->idle_timeout_ns, 5 * ZTT_NS_PER_S);
	own->handshake_timeout_ns =
		size_or(plan->handshake_timeout_ns, 5 * ZTT_NS_PER_S);
	own->stream_window_bytes =
		size_or(plan->stream_window_bytes, 512 << 10);
	own->window_bytes = size_or(plan->window_bytes, 6 << 20);
	own->send_budget_bytes = size_or(plan->send_budget_bytes, 16 << 20);
	own->payload_max_bytes =
		size_or(plan->payload_max_bytes, ZTT_QUIC_PAYLOAD_MAX);
	quic->server = server;
	quic->watch.fd = -1;
	quic->watch.ready = on_socket;
	quic->timer.fire = on_timer;
	quic->flush.run = run_flush;
	ztt_send_queue_init(&quic->queue, own->send_budget_bytes);
	quic->ref.get_conn = conn_of_ref;
	quic->ref.user_data = quic;
	return quic;
}

static int open_socket(struct ztt_quic *quic, struct ztt_err *err)
{
	struct ztt_quic_plan *plan = &quic->plan;
	const struct ztt_udp_plan udp = {
		.local = plan->local.len_bytes ? &plan->local : NULL,
		.peer = &plan->peer,
		.share_port = quic->server,
		.no_gso = plan->no_gso,
		.no_gro = plan->no_gro,
	};
	size_t payload;
	int rc;

	rc = ztt_udp_open(&udp, &quic->udp, err);
	if (rc < 0)
		return rc;
	quic->watch.fd = quic->udp.fd;
	ztt_address_of_socket(quic->udp.fd, &plan->local);
	payload = ztt_udp_payload_max(quic->udp.fd);
	quic->payload_max = payload < plan->payload_max_bytes
				    ? payload
				    : plan->payload_max_bytes;
	if (quic->payload_max < plan->initial_bytes)
		quic->payload_max = plan->initial_bytes;
	if (plan->heed_icmp)
		ztt_udp_keep_errors(quic->udp.fd, true);
	quic->path.local.addr = (struct sockaddr *)&plan->local.storage;
	quic->path.local.addrlen = plan->local.len_bytes;
	quic->path.remote.addr = (struct sockaddr *)&plan->peer.storage;
	quic->path.remote.addrlen = plan->peer.len_bytes;
	return ztt_loop_watch(plan->shared->loop, &quic->watch, EPOLLIN, err);
}

static int open_session(struct ztt_quic *quic, struct ztt_err *err)
{
	int rc;

	rc = ztt_tls_session(quic->plan.tls,
			     quic->server ? NULL : quic->plan.server_name,
			     quic->plan.alpn, &quic->session, err);
	if (rc < 0)
		return rc;
	gnutls_session_set_ptr(quic->session, &quic->ref);
	rc = quic->server ? ngtcp2_crypto_gnutls_configure_server_session(
				    quic->session)
			  : ngtcp2_crypto_gnutls_configure_client_session(
				    quic->session);
	if (rc != 0)
		return ztt_err_set(err, -EIO, "cannot set up TLS for QUIC");
	gnutls_handshake_set_secret_function(quic->session, on_secrets);
	ngtcp2_conn_set_tls_native_handle(quic->conn, quic->session);
	return 0;
}

/* An empty connection ID, as cloudflared's: the socket is connected. */
static int new_client_conn(struct ztt_quic *quic)
{
	ngtcp2_transport_params params;
	ngtcp2_settings settings;
	ngtcp2_cid dcid = {.datalen = 16}, scid = {.datalen = 0};

	gnutls_rnd(GNUTLS_RND_NONCE, dcid.data, dcid.datalen);
	fill_settings(quic, &settings);
	fill_params(quic, &params);
	return ngtcp2_conn_client_new(&quic->conn, &dcid, &scid, &quic->path,
				      NGTCP2_PROTO_VER_V1, &callbacks,
				      &settings, &params, NULL, quic);
}

static int new_server_conn(struct ztt_quic *quic, const ngtcp2_pkt_hd *head)
{
	ngtcp2_transport_params params;
	ngtcp2_settings settings;
	ngtcp2_cid scid = {.datalen = SCID_BYTES};

	gnutls_rnd(GNUTLS_RND_NONCE, scid.data, scid.datalen);
	fill_settings(quic, &settings);
	fill_params(quic, &params);
	params.original_dcid = head->dcid;
#if NGTCP2_VERSION_NUM >= 0x010000
	params.original_dcid_present = 1;
#endif
	return ngtcp2_conn_server_new(&quic->conn, &head->scid, &scid,
				      &quic->path, head->version, &callbacks,
				      &settings, &params, NULL, quic);
}

static int begin(struct ztt_quic *quic, const ngtcp2_pkt_hd *head,
		 struct ztt_err *err)
{
	int rc;

	rc = open_socket(quic, err);
	if (rc < 0)
		return rc;
	rc = head ? new_server_conn(quic, head) : new_client_conn(quic);
	if (rc != 0)
		return ztt_err_set(err, -EIO,
				   "cannot make a QUIC connection: "
				   "%s",
				   ngtcp2_strerror(rc));
	return open_session(quic, err);
}

int ztt_quic_connect(const struct ztt_quic_plan *plan,
		     struct ztt_quic **ret_quic, struct ztt_err *err)
{
	struct ztt_quic *quic = new_quic(plan, false);
	int rc = begin(quic, NULL, err);

	if (rc < 0) {
		ztt_quic_free(quic);
		return rc;
	}
	defer_flush(quic);
	*ret_quic = quic;
	return 0;
}

int ztt_quic_accept(const struct ztt_quic_plan *plan, const uint8_t *data,
		    size_t len_bytes, struct ztt_quic **ret_quic,
		    struct ztt_err *err)
{
	struct ztt_quic *quic;
	ngtcp2_pkt_hd head;
	int rc;

	if (!len_bytes || ngtcp2_accept(&head, data, len_bytes) != 0)
		return ztt_err_set(err, -EPROTO,
				   "a datagram that begins no "
				   "QUIC connection");
	quic = new_quic(plan, true);
	rc = begin(quic, &head, err);
	if (rc < 0) {
		ztt_quic_free(quic);
		return rc;
	}
	ztt_quic_input(quic, data, len_bytes);
	*ret_quic = quic;
	return 0;
}

enum ztt_quic_first ztt_quic_classify(const uint8_t *data, size_t len_bytes)
{
	ngtcp2_version_cid ids;
	int rc;

	if (!len_bytes)
		return ZTT_QUIC_FIRST_OTHER;
	rc = ngtcp2_pkt_decode_version_cid(&ids, data, len_bytes, SCID_BYTES);
	if (rc == NGTCP2_ERR_VERSION_NEGOTIATION)
		return ZTT_QUIC_FIRST_VERSION;
	if (rc != 0 || ids.version == 0)
		return ZTT_QUIC_FIRST_OTHER;
	return ngtcp2_accept(NULL, data, len_bytes) == 0
		       ? ZTT_QUIC_FIRST_INITIAL
		       : ZTT_QUIC_FIRST_OTHER;
}

size_t ztt_quic_version_negotiation(const uint8_t *data, size_t len_bytes,
				    uint8_t *out, size_t cap_bytes)
{
	const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
	ngtcp2_version_cid ids;
	uint8_t unused;
	ngtcp2_ssize len;

	if (len_bytes < 1200 ||
	    ngtcp2_pkt_decode_version_cid(&ids, data, len_bytes, SCID_BYTES) !=
		    NGTCP2_ERR_VERSION_NEGOTIATION)
		return 0;
	gnutls_rnd(GNUTLS_RND_NONCE, &unused, 1);
	len = ngtcp2_pkt_write_version_negotiation(out, cap_bytes, unused,
						   ids.scid, ids.scidlen,
						   ids.dcid, ids.dcidlen,
						   versions, 1);
	return len > 0 ? (size_t)len : 0;
}

struct gnutls_session_int *ztt_quic_session(const struct ztt_quic *quic)
{
	return quic->session;
}

bool ztt_quic_is_established(const struct ztt_quic *quic)
{
	return quic->established && !quic->ending;
}

const struct ztt_address *ztt_quic_peer(const struct ztt_quic *quic)
{
	return &quic->plan.peer;
}

void ztt_quic_figures(const struct ztt_quic *quic,
		      struct ztt_quic_figures *ret_figures)
{
#if NGTCP2_VERSION_NUM >= 0x010000
	ngtcp2_conn_info info;

	ngtcp2_conn_get_conn_info(quic->conn, &info);
#else
	ngtcp2_conn_stat info;

	ngtcp2_conn_get_conn_stat(quic->conn, &info);
#endif
	*ret_figures = (struct ztt_quic_figures){
		.rtt_ns = info.smoothed_rtt,
		.rtt_min_ns = info.min_rtt == UINT64_MAX ? 0 : info.min_rtt,
		.window_bytes = info.cwnd,
		.payload_bytes = ngtcp2_conn_get_path_max_tx_udp_payload_size(
			quic->conn),
		.version = ngtcp2_conn_get_negotiated_version(quic->conn),
		.cipher = ztt_tls_cipher_name(quic->session),
		.crypto = ztt_packet_library(gnutls_cipher_get(quic->session)),
		.gso = quic->udp.gso,
		.gro = quic->udp.gro,
	};
}
