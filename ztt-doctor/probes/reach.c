#include "ztt-doctor/probes/reach.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/tls.h"

void ztt_reach_timeout(struct ztt_reach *reach, uint64_t timeout_ns)
{
	reach->kind = ZTT_REACH_TIMEOUT;
	snprintf(reach->text, sizeof(reach->text),
		 "timeout: no answer within %.3g s",
		 (double)timeout_ns / (double)ZTT_NS_PER_S);
}

/* How Linux maps ICMP codes: net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c
 * tab_unreach. Which of the two families' codes it was is in the errno. */
static enum ztt_reach_kind kind_of(int error)
{
	switch (error) {
	case ETIMEDOUT:
		return ZTT_REACH_TIMEOUT;
	case ECONNREFUSED:
		return ZTT_REACH_REFUSED;
	case EMSGSIZE:
		return ZTT_REACH_TOO_BIG;
	case EPERM:
		return ZTT_REACH_FORBIDDEN;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
	case EACCES:
	case EOPNOTSUPP:
		return ZTT_REACH_UNREACHABLE;
	case ECONNRESET:
	case EPIPE:
		return ZTT_REACH_CLOSED;
	default:
		return ZTT_REACH_FAILED;
	}
}

static const char *words_of(int error, bool udp)
{
	switch (error) {
	case ETIMEDOUT:
		return "timeout";
	case ECONNREFUSED:
		return udp ? "refused (ICMP port unreachable)"
			   : "refused (reset by the other side)";
	case EPERM:
		return "forbidden by this host's own firewall (EPERM)";
	case EHOSTUNREACH:
		return "ICMP host unreachable (EHOSTUNREACH)";
	case ENETUNREACH:
		return "ICMP network unreachable (ENETUNREACH)";
	case EACCES:
		return "prohibited: a firewall or route says so (EACCES)";
	case ECONNRESET:
	case EPIPE:
		return "the connection was reset";
	default:
		return strerror(error);
	}
}

void ztt_reach_error(struct ztt_reach *reach, int error, unsigned mtu_bytes,
		     bool udp)
{
	reach->kind = kind_of(error);
	if (error == EMSGSIZE && mtu_bytes)
		snprintf(reach->text, sizeof(reach->text),
			 "packet too big: a hop carries %u bytes", mtu_bytes);
	else
		snprintf(reach->text, sizeof(reach->text), "%s",
			 words_of(error, udp));
}

void ztt_reach_prohibited(struct ztt_reach *reach)
{
	reach->kind = ZTT_REACH_UNREACHABLE;
	snprintf(reach->text, sizeof(reach->text),
		 "prohibited: a firewall says so by ICMP");
}

void ztt_reach_no_begin(struct ztt_reach *reach, int rc, bool udp)
{
	if (rc != -ENETUNREACH && rc != -EADDRNOTAVAIL && rc != -EAFNOSUPPORT) {
		ztt_reach_error(reach, -rc, 0, udp);
		return;
	}
	reach->kind = ZTT_REACH_NO_ROUTE;
	snprintf(reach->text, sizeof(reach->text), "no route");
}

void ztt_reach_alert(struct ztt_reach *reach, unsigned alert)
{
	const char *name =
		gnutls_alert_get_strname((gnutls_alert_description_t)alert);

	reach->kind = ZTT_REACH_ALERT;
	snprintf(reach->text, sizeof(reach->text), "TLS alert %u (%s)", alert,
		 name ? name : "unknown");
}

void ztt_reach_certificate(struct ztt_reach *reach, unsigned status)
{
	reach->kind = ZTT_REACH_CERTIFICATE;
	snprintf(reach->text, sizeof(reach->text), "its certificate is %s",
		 ztt_tls_certificate_problem(status));
}

bool ztt_reach_name_refused(const struct ztt_reach *reach, unsigned alert,
			    unsigned status)
{
	if (reach->kind == ZTT_REACH_CERTIFICATE)
		return status & GNUTLS_CERT_UNEXPECTED_OWNER;
	return reach->kind == ZTT_REACH_ALERT &&
	       (alert == GNUTLS_A_UNRECOGNIZED_NAME ||
		alert == GNUTLS_A_HANDSHAKE_FAILURE ||
		alert == GNUTLS_A_INTERNAL_ERROR);
}
