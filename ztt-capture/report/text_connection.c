#include "ztt-capture/report/text_page.h"

#include <inttypes.h>
#include <string.h>

#include "common/units.h"
#include "ztt-capture/report/report.h"
#include "ztt-capture/report/report_known.h"

#define NS_PER_US 1000.0

static void put_head(const struct ztt_page *page,
		     const struct ztt_connection *at)
{
	static const char *const names[] = {"QUIC", "WireGuard", "TLS"};
	char client[ZTT_ENDPOINT_LEN], server[ZTT_ENDPOINT_LEN];
	char version[ZTT_VERSION_LEN];
	bool versioned = ztt_quic_version_text(at->version, version)[0];

	fprintf(page->out, "%sconnection %" PRIu64 "%s  %s%s%s  %s > %s\n",
		page->color ? ZTT_BOLD : "", at->number,
		page->color ? ZTT_PLAIN : "",
		at->protocol < ZTT_PROTOCOLS ? names[at->protocol] : "?",
		versioned ? " " : "", version,
		ztt_endpoint_text(&at->client, client),
		ztt_endpoint_text(&at->server, server));
}

static void put_hello(const struct ztt_page *page,
		      const struct ztt_connection *at)
{
	const struct ztt_hello *hello = &at->client_hello;
	const char *alpn = at->has_server_hello && at->server_hello.alpn[0]
				   ? at->server_hello.alpn
				   : hello->alpn;
	char text[512] = "";

	if (!at->has_client_hello)
		return;
	if (hello->server_name[0])
		ztt_page_append(text, sizeof(text), "%s", hello->server_name);
	if (alpn[0])
		ztt_page_append(text, sizeof(text), "%sALPN %s",
				text[0] ? ", " : "", alpn);
	if (text[0])
		ztt_page_labelled(page, "name", "%s", text);
	if (hello->ja4[0])
		ztt_page_labelled(page, "JA4", "%s", hello->ja4);
}

static void put_keys(const struct ztt_page *page,
		     const struct ztt_connection *at)
{
	if (at->protocol == ZTT_PROTOCOL_WIREGUARD)
		return;
	if (at->cipher)
		ztt_page_labelled(page, "cipher", "%s, %s", at->cipher,
				  at->decrypted ? "decrypted"
						: "not decrypted: no keys");
	else
		ztt_page_labelled(page, "cipher", "%s",
				  at->decrypted ? "decrypted"
						: "not decrypted: no keys");
}

static void put_handshake(const struct ztt_page *page,
			  const struct ztt_connection *at)
{
	char text[256] = "", took[ZTT_UNITS_LEN];

	if (at->handshake_ns)
		ztt_page_append(text, sizeof(text), "%s",
				ztt_units_ns(took, (double)at->handshake_ns));
	if (at->handshake_round_trips)
		ztt_page_append(text, sizeof(text),
				"%s%" PRIu64 " round trip%s",
				text[0] ? ", " : "", at->handshake_round_trips,
				at->handshake_round_trips > 1 ? "s" : "");
	if (!at->began)
		ztt_page_append(text, sizeof(text),
				"%sbegan before the capture",
				text[0] ? ", " : "");
	if (at->retried)
		ztt_page_append(text, sizeof(text), "%sRetry",
				text[0] ? ", " : "");
	if (at->version_negotiated)
		ztt_page_append(text, sizeof(text), "%sversion negotiation",
				text[0] ? ", " : "");
	if (text[0])
		ztt_page_labelled(page, "handshake", "%s", text);
}

static void put_course(const struct ztt_page *page,
		       const struct ztt_connection *at)
{
	int64_t first_ns = at->up.first_ns;
	int64_t last_ns = at->up.last_ns > at->down.last_ns ? at->up.last_ns
							    : at->down.last_ns;
	char text[256] = "", a[ZTT_UNITS_LEN];

	if (!first_ns || (at->down.first_ns && at->down.first_ns < first_ns))
		first_ns = at->down.first_ns;
	if (last_ns > first_ns)
		ztt_page_append(text, sizeof(text), "%s",
				ztt_units_ns(a, (double)(last_ns - first_ns)));
	if (at->longest_gap_ns)
		ztt_page_append(text, sizeof(text), ", silent for at most %s",
				ztt_units_ns(a, (double)at->longest_gap_ns));
	if (at->streams)
		ztt_page_append(text, sizeof(text), ", %" PRIu64 " stream%s",
				at->streams, at->streams > 1 ? "s" : "");
	if (at->requests)
		ztt_page_append(text, sizeof(text), ", %" PRIu64 " request%s",
				at->requests, at->requests > 1 ? "s" : "");
	if (at->migrations)
		ztt_page_append(text, sizeof(text), ", %" PRIu64 " migration%s",
				at->migrations, at->migrations > 1 ? "s" : "");
	if (text[0])
		ztt_page_labelled(page, "lasted", "%s",
				  text[0] == ',' ? text + 2 : text);
}

static void put_round_trip(const struct ztt_page *page,
			   const struct ztt_connection *at)
{
	char least[ZTT_UNITS_LEN], mid[ZTT_UNITS_LEN], most[ZTT_UNITS_LEN];

	if (!ztt_path_rtt_known(at))
		return;
	ztt_units_ns(least, NS_PER_US * (double)ztt_connection_rtt_us(at, 0));
	ztt_units_ns(mid, NS_PER_US * (double)ztt_connection_rtt_us(at, 0.5));
	ztt_units_ns(most, NS_PER_US * (double)ztt_connection_rtt_us(at, 0.99));
	ztt_page_labelled(page, "round trip",
			  "%s at least, p50 %s, p99 %s, over the whole path",
			  least, mid, most);
}

static void put_closed(const struct ztt_page *page,
		       const struct ztt_connection *at)
{
	const char *reason = at->close_reason;

	if (at->stateless_reset)
		ztt_page_labelled(page, "closed", "by a stateless reset");
	if (!at->closed)
		return;
	ztt_page_labelled(page, "closed", "by the %s, code %#" PRIx64 "%s%s%s",
			  at->close_application ? "application" : "transport",
			  at->close_code, reason[0] ? ", \"" : "", reason,
			  reason[0] ? "\"" : "");
}

static void put_how(const struct ztt_page *page,
		    const struct ztt_connection *at)
{
	if (!at->up.loss_how[0] && !at->down.loss_how[0])
		return;
	if (strcmp(at->up.loss_how, at->down.loss_how) == 0 &&
	    at->up.loss_grade == at->down.loss_grade) {
		ztt_page_labelled(page, "loss", "%s: %s",
				  ztt_grade_name(at->up.loss_grade),
				  at->up.loss_how);
		return;
	}
	if (at->up.loss_how[0])
		ztt_page_labelled(page, "loss", "from the client, %s: %s",
				  ztt_grade_name(at->up.loss_grade),
				  at->up.loss_how);
	if (at->down.loss_how[0])
		ztt_page_labelled(page, "loss", "from the server, %s: %s",
				  ztt_grade_name(at->down.loss_grade),
				  at->down.loss_how);
}

void ztt_page_connection(const struct ztt_page *page,
			 const struct ztt_connection *at)
{
	put_head(page, at);
	put_hello(page, at);
	put_keys(page, at);
	put_handshake(page, at);
	put_course(page, at);
	put_round_trip(page, at);
	put_closed(page, at);
	ztt_page_table(page, at);
	if (page->verbose)
		ztt_page_more(page, at);
	put_how(page, at);
	if (page->capture->connection_count > 1 && at->verdict[0])
		ztt_page_labelled(page, "verdict", "%s", at->verdict);
	fputc('\n', page->out);
}
