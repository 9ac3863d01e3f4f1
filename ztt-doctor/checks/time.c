#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "common/err.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/edge_certificate.h"
#include "ztt-doctor/probes/ntp.h"

#define SYNC_FILE "/run/systemd/timesync/synchronized"
#define MAX_ERROR_US 16000000 /* NTP_PHASE_LIMIT: the kernel gives up */
#define OFFSET_WARN_S 1.0
#define OFFSET_FAIL_S 30.0
#define DAY_S 86400
#define DAYS_LEFT_WARN 7

/* chrony without "rtcsync" leaves STA_UNSYNC set, but renews the error bound,
 * which the kernel else lets grow to 16 s: kernel/time/ntp.c. */
static void judge_sync(struct ztt_doctor *doctor, struct ztt_finding *finding,
		       const struct timex *state)
{
	char bound[ZTT_UNITS_LEN], estimate[ZTT_UNITS_LEN];
	struct ztt_root_stat st;

	ztt_units_ns(bound, (double)state->maxerror * 1e3);
	ztt_units_ns(estimate, (double)state->esterror * 1e3);
	if (!(state->status & STA_UNSYNC))
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "synchronised: right to %s at worst, %s "
				 "estimated",
				 bound, estimate);
	else if (state->maxerror < MAX_ERROR_US)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "synchronised to %s at worst, though the "
				 "kernel is not told (chrony without rtcsync)",
				 bound);
	else if (ztt_root_stat(doctor->root, SYNC_FILE, &st) == 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "the kernel's clock is not synchronised; "
				 "systemd-timesyncd did so last %.0f min ago",
				 difftime(time(NULL), (time_t)st.modified_s) /
					 60);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "nothing synchronises the kernel's clock "
				 "(STA_UNSYNC, error bound %s)",
				 bound);
}

void ztt_check_time_sync(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct timex state = {0};

	if (adjtimex(&state) < 0) {
		ztt_finding_unread(finding, "the kernel's clock (adjtimex)",
				   -errno, "a seccomp rule for adjtimex");
		return;
	}
	judge_sync(doctor, finding, &state);
}

void ztt_check_time_ntp(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	char server[256], from[128], offset[ZTT_UNITS_LEN];
	char within[ZTT_UNITS_LEN];
	struct ztt_ntp_sample sample;
	enum ztt_status status = ZTT_STATUS_OK;
	struct ztt_err err = {0};
	double off_s, bound_s;

	ztt_ntp_server(doctor, server, from);
	if (ztt_ntp_ask(doctor, server, &sample, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s (%s)",
				 err.text, from);
		return;
	}
	off_s = (double)sample.offset_ns / 1e9;
	bound_s = (double)sample.delay_ns / 2e9;
	/* What the way to the server may account for is not held against the
	 * clock. */
	if (fabs(off_s) - bound_s > OFFSET_WARN_S)
		status = ZTT_STATUS_WARN;
	if (fabs(off_s) - bound_s > OFFSET_FAIL_S)
		status = ZTT_STATUS_FAIL;
	ztt_finding_note(finding, status,
			 "%s %s of %s (%s, stratum %u), right to %s",
			 ztt_units_ns(offset, fabs(off_s) * 1e9),
			 off_s > 0 ? "behind" : "ahead", server, from,
			 sample.stratum, ztt_units_ns(within, bound_s * 1e9));
}

static char *date_text(time_t at, char out[32])
{
	struct tm parts;

	if (!gmtime_r(&at, &parts) ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(out, 32, "%lld", (long long)at);
	return out;
}

static void judge_edge(struct ztt_finding *finding, gnutls_x509_crt_t leaf,
		       const char *server)
{
	const time_t from = gnutls_x509_crt_get_activation_time(leaf);
	const time_t to = gnutls_x509_crt_get_expiration_time(leaf);
	const time_t now = time(NULL);
	const long long days = (long long)(to - now) / DAY_S;
	char from_text[32], to_text[32], now_text[32], name[256];

	date_text(from, from_text);
	date_text(to, to_text);
	date_text(now, now_text);
	ztt_certificate_subject(leaf, name);
	if (from == (time_t)-1 || to == (time_t)-1)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "the certificate %s of %s has no dates that "
				 "can be read",
				 name, server);
	else if (now < from || now > to)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the clock or the certificate is wrong: it is "
				 "%s here, and %s of %s %s %s",
				 now_text, name, server,
				 now < from ? "is not valid before"
					    : "was valid until",
				 now < from ? from_text : to_text);
	else
		ztt_finding_note(finding,
				 days < DAYS_LEFT_WARN ? ZTT_STATUS_WARN
						       : ZTT_STATUS_OK,
				 "%s of %s is valid from %s to %s: %lld days "
				 "left",
				 name, server, from_text, to_text, days);
}

void ztt_check_time_edge(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_edge_certificates certificates;
	struct ztt_err err = {0};

	if (ztt_edge_certificates(doctor, &certificates, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no certificate to compare with: %s",
				 err.text);
		return;
	}
	judge_edge(finding, certificates.list[0], certificates.server);
	ztt_edge_certificates_release(&certificates);
}
