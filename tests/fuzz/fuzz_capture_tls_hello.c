/* A handshake message, over QUIC when the first byte is odd. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-capture/decode/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ztt_hello hello;

	if (size < 1 ||
	    ztt_hello_parse(data + 1, size - 1, data[0] & 1, &hello) < 0)
		return 0;
	if (!memchr(hello.server_name, '\0', sizeof(hello.server_name)) ||
	    !memchr(hello.alpn, '\0', sizeof(hello.alpn)) ||
	    !memchr(hello.ja4, '\0', sizeof(hello.ja4)) ||
	    hello.cipher_count > ZTT_HELLO_LIST_MAX ||
	    hello.group_count > ZTT_HELLO_LIST_MAX)
		abort();
	return 0;
}
