/* Credentials, tokens, cert.pem, and what an engine's endpoint says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/engine/credentials.h"
#include "ztt-doctor/engine/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ztt_endpoint endpoint;
	struct ztt_credentials credentials;
	struct ztt_origin_cert cert;
	struct ztt_err err;
	char *text = ztt_alloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	ztt_credentials_parse(text, size, &credentials, &err);
	ztt_credentials_parse_token(text, size, &credentials, &err);
	ztt_origin_cert_parse(text, size, &cert, &err);
	ztt_endpoint_read_ready(&endpoint, text, size);
	ztt_endpoint_read_tunnel(&endpoint, text, size);
	ztt_endpoint_read_metrics(&endpoint, text, size);
	free(text);
	return 0;
}
