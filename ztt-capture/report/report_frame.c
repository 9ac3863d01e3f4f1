#include "ztt-capture/report/report_frame.h"

static const struct ztt_frame_shape shapes[] = {
	{0x00, 0x00, "padding", ZTT_SHOWN_REPEATS},
	{0x01, 0x01, "ping", ZTT_SHOWN_REPEATS},
	{0x02, 0x03, "ack", ZTT_SHOWN_ACK},
	{0x04, 0x04, "reset_stream",
	 ZTT_SHOWN_STREAM | ZTT_SHOWN_CODE | ZTT_SHOWN_FINAL},
	{0x05, 0x05, "stop_sending", ZTT_SHOWN_STREAM | ZTT_SHOWN_CODE},
	{0x06, 0x06, "crypto", ZTT_SHOWN_OFFSET | ZTT_SHOWN_LENGTH},
	{0x07, 0x07, "new_token", ZTT_SHOWN_LENGTH},
	{0x08, 0x0f, "stream",
	 ZTT_SHOWN_STREAM | ZTT_SHOWN_OFFSET | ZTT_SHOWN_LENGTH |
		 ZTT_SHOWN_FIN},
	{0x10, 0x10, "max_data", ZTT_SHOWN_MAXIMUM},
	{0x11, 0x11, "max_stream_data", ZTT_SHOWN_STREAM | ZTT_SHOWN_MAXIMUM},
	{0x12, 0x13, "max_streams", ZTT_SHOWN_KIND | ZTT_SHOWN_MAXIMUM},
	{0x14, 0x14, "data_blocked", ZTT_SHOWN_LIMIT},
	{0x15, 0x15, "stream_data_blocked", ZTT_SHOWN_STREAM | ZTT_SHOWN_LIMIT},
	{0x16, 0x17, "streams_blocked", ZTT_SHOWN_KIND | ZTT_SHOWN_LIMIT},
	{0x18, 0x18, "new_connection_id",
	 ZTT_SHOWN_SEQUENCE | ZTT_SHOWN_RETIRE | ZTT_SHOWN_CID},
	{0x19, 0x19, "retire_connection_id", ZTT_SHOWN_SEQUENCE},
	{0x1a, 0x1a, "path_challenge", ZTT_SHOWN_DATA},
	{0x1b, 0x1b, "path_response", ZTT_SHOWN_DATA},
	{0x1c, 0x1c, "connection_close",
	 ZTT_SHOWN_CODE | ZTT_SHOWN_CAUSE | ZTT_SHOWN_REASON},
	{0x1d, 0x1d, "connection_close", ZTT_SHOWN_CODE | ZTT_SHOWN_REASON},
	{0x1e, 0x1e, "handshake_done", 0},
	{0x1f, 0x1f, "unknown", 0}, /* IMMEDIATE_ACK: not of quic-events */
	{0x30, 0x31, "datagram", ZTT_SHOWN_LENGTH},
	{0xaf, 0xaf, "unknown", ZTT_SHOWN_SEQUENCE | ZTT_SHOWN_LIMIT},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static const struct ztt_frame_shape unknown = {.qlog = "unknown"};

const struct ztt_frame_shape *ztt_frame_shape(uint64_t type)
{
	/* The rows rise, and a row is never past its type. */
	size_t at = type < SHAPES ? (size_t)type : SHAPES - 1;

	while (at > 0 && shapes[at].least > type)
		at--;
	return type <= shapes[at].most ? &shapes[at] : &unknown;
}
