#define _GNU_SOURCE
#include <gnutls/gnutls.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"

void ztt_check_tls_openssl(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	(void)doctor;
	ztt_finding_note(finding,
			 OpenSSL_version_num() >= 0x30000000UL
				 ? ZTT_STATUS_OK
				 : ZTT_STATUS_FAIL,
			 "%s, for these tools; cloudflared has Go's own TLS",
			 OpenSSL_version(OPENSSL_VERSION));
}

static bool has_tls13(gnutls_priority_t priority)
{
	const unsigned *list;
	int count = gnutls_priority_protocol_list(priority, &list);

	for (int i = 0; i < count; i++)
		if (list[i] == GNUTLS_TLS1_3)
			return true;
	return false;
}

static bool has_cipher(gnutls_priority_t priority,
		       gnutls_cipher_algorithm_t cipher)
{
	const unsigned *list;
	int count = gnutls_priority_cipher_list(priority, &list);

	for (int i = 0; i < count; i++)
		if (list[i] == (unsigned)cipher)
			return true;
	return false;
}

static void note_suites(gnutls_priority_t priority, struct ztt_finding *finding)
{
	const bool aes128 = has_cipher(priority, GNUTLS_CIPHER_AES_128_GCM);
	const bool aes256 = has_cipher(priority, GNUTLS_CIPHER_AES_256_GCM);
	const bool chacha =
		has_cipher(priority, GNUTLS_CIPHER_CHACHA20_POLY1305);

	if (!has_tls13(priority)) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "GnuTLS %s: TLS 1.3 is switched off by the "
				 "system's priority or crypto policy",
				 gnutls_check_version(NULL));
		return;
	}
	/* RFC 9001 5.2: every QUIC Initial is AES-128-GCM. Policies for FIPS
	 * leave ChaCha20 out. */
	ztt_finding_note(finding,
			 !aes128   ? ZTT_STATUS_FAIL
			 : !aes256 ? ZTT_STATUS_WARN
				   : ZTT_STATUS_OK,
			 "GnuTLS %s, TLS 1.3:%s%s%s%s%s%s",
			 gnutls_check_version(NULL),
			 aes128 ? " AES-128-GCM" : "",
			 aes256 ? " AES-256-GCM" : "",
			 chacha ? " CHACHA20-POLY1305" : "",
			 aes128 ? "" : "; without AES-128-GCM",
			 aes256 ? "" : "; without AES-256-GCM",
			 chacha ? "" : "; without CHACHA20-POLY1305");
}

void ztt_check_tls_suites(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	gnutls_priority_t priority;
	/* NULL: what the system's configuration says. */
	int rc = gnutls_priority_init(&priority, NULL, NULL);

	(void)doctor;
	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "GnuTLS %s cannot use the system's priority "
				 "string: %s",
				 gnutls_check_version(NULL),
				 gnutls_strerror(rc));
		return;
	}
	note_suites(priority, finding);
	gnutls_priority_deinit(priority);
}

struct fips {
	bool present;    /* the provider's module is on the disk */
	bool active;     /* and loaded by OpenSSL's configuration */
	bool by_default; /* fips=yes in the default properties */
	bool gnutls;
	bool kernel;
};

static bool has_module(void)
{
	const char *dir = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
	char path[512];

	if (!dir)
		return false;
	snprintf(path, sizeof(path), "%s/fips.so", dir);
	return access(path, R_OK) == 0;
}

static void look(const struct ztt_root *root, struct fips *fips)
{
	uint64_t kernel;

	ERR_set_mark();
	fips->present = has_module();
	fips->active = OSSL_PROVIDER_available(NULL, "fips") == 1;
	fips->by_default = EVP_default_properties_is_fips_enabled(NULL) == 1;
	ERR_pop_to_mark();
	fips->gnutls = gnutls_fips140_mode_enabled() != 0;
	fips->kernel = ztt_root_uint(root, "/proc/sys/crypto/fips_enabled",
				     &kernel) == 0 &&
		       kernel != 0;
}

void ztt_check_tls_fips(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct fips fips;
	bool active;

	look(doctor->root, &fips);
	active = fips.active && fips.by_default;
	ztt_finding_note(
		finding,
		active                      ? ZTT_STATUS_OK
		: doctor->plan.require_fips ? ZTT_STATUS_FAIL
					    : ZTT_STATUS_SKIP,
		"OpenSSL's FIPS provider is %s%s; GnuTLS %s FIPS mode; kernel "
		"fips_enabled %s; of cloudflared nothing is said: Go has a "
		"module of its own (GODEBUG=fips140)%s",
		fips.active    ? "active"
		: fips.present ? "present but not active"
			       : "absent",
		fips.active && !fips.by_default
			? ", but fips=yes is not a default property"
			: "",
		fips.gnutls ? "in" : "not in",
		fips.kernel ? "1" : "0 or absent",
		active || doctor->plan.require_fips
			? ""
			: "; not asked for with --require fips");
}
