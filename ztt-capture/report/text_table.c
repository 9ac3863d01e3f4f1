#include "ztt-capture/report/text_page.h"

#include <inttypes.h>
#include <math.h>

#include "common/table.h"
#include "common/units.h"
#include "ztt-capture/report/report.h"
#include "ztt-capture/report/report_known.h"

#define PERCENT 100
#define COUNT_EXACT_MAX 9999999
#define LOST_EXACT_MAX 99999
#define NS_PER_US 1000.0

/* "99999", "123 k": at most so wide that a row fits its line. */
static char *count_text(char out[ZTT_UNITS_LEN], uint64_t value,
			uint64_t exact_most)
{
	if (value > exact_most)
		return ztt_units_count(out, (double)value);
	snprintf(out, ZTT_UNITS_LEN, "%" PRIu64, value);
	return out;
}

/* "14 (2.4 %)", "~14 (2.4 %)": bounded or heuristic, as is said below. */
static void lost_cell(struct ztt_table *table, const struct ztt_direction *at)
{
	static const char *const marks[] = {
		[ZTT_GRADE_HEURISTIC] = "~",
		[ZTT_GRADE_BOUNDED] = "~",
		[ZTT_GRADE_EXACT] = "",
	};
	double loss = ztt_direction_loss(at);
	char text[ZTT_UNITS_LEN];

	if (isnan(loss))
		ztt_table_cell(table, "?");
	else if (!at->lost)
		ztt_table_cell(table, "%s0", marks[at->loss_grade]);
	else
		ztt_table_cell(table,
			       loss < 0.99 ? "%s%s (%.2g %%)"
					   : "%s%s (%.0f %%)",
			       marks[at->loss_grade],
			       count_text(text, at->lost, LOST_EXACT_MAX),
			       PERCENT * loss);
}

static void count_cell(struct ztt_table *table, bool known, uint64_t value)
{
	char text[ZTT_UNITS_LEN];

	ztt_table_cell(table, "%s",
		       known ? count_text(text, value, COUNT_EXACT_MAX) : "-");
}

static void time_cell(struct ztt_table *table, const struct ztt_hist *hist,
		      double fraction)
{
	char text[ZTT_UNITS_LEN];

	if (!hist || !ztt_hist_count(hist))
		ztt_table_cell(table, "-");
	else
		ztt_table_cell(table, "%s",
			       ztt_units_ns(text,
					    NS_PER_US *
						    (double)ztt_hist_quantile(
							    hist, fraction)));
}

static void bytes_cell(struct ztt_table *table, bool known, uint64_t bytes)
{
	char text[ZTT_UNITS_LEN];

	ztt_table_cell(table, "%s",
		       known ? ztt_units_bytes(text, (double)bytes) : "-");
}

static void direction_row(struct ztt_table *table,
			  const struct ztt_connection *connection,
			  const struct ztt_direction *at)
{
	struct ztt_known known = ztt_known_of(connection, at);

	ztt_table_row(table);
	ztt_table_cell(table, "  %s",
		       at == &connection->up ? "client" : "server");
	count_cell(table, true, at->packets);
	bytes_cell(table, true, at->bytes);
	lost_cell(table, at);
	count_cell(table, known.resent, at->retransmitted);
	count_cell(table, known.order, at->reordered);
	time_cell(table, at->rtt_us, 0.5);
	time_cell(table, at->rtt_us, 0.99);
}

void ztt_page_table(const struct ztt_page *page,
		    const struct ztt_connection *connection)
{
	static const char *const heads[] = {"  from",   ">packets",
					    ">bytes",   ">lost",
					    ">resent",  ">reordered",
					    ">RTT p50", ">RTT p99",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	direction_row(table, connection, &connection->up);
	direction_row(table, connection, &connection->down);
	ztt_table_print(table, page->color, page->out);
	ztt_table_free(table);
}

static void more_row(struct ztt_table *table,
		     const struct ztt_connection *connection,
		     const struct ztt_direction *at)
{
	struct ztt_known known = ztt_known_of(connection, at);

	ztt_table_row(table);
	ztt_table_cell(table, "  %s",
		       at == &connection->up ? "client" : "server");
	count_cell(table, true, at->datagrams);
	count_cell(table, at->payload_most_bytes > 0, at->payload_most_bytes);
	count_cell(table, known.order, at->duplicated);
	count_cell(table, known.resent, at->spurious);
	count_cell(table, known.blocked, at->blocked);
	bytes_cell(table, at->in_flight_most_bytes > 0,
		   at->in_flight_most_bytes);
	time_cell(table, at->rtt_us, 0);
}

static void put_words_of(const struct ztt_page *page,
			 const struct ztt_connection *connection,
			 const struct ztt_direction *at)
{
	struct ztt_known known = ztt_known_of(connection, at);
	char text[512], delay[ZTT_UNITS_LEN];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " super-datagrams; ECN: %" PRIu64
		 " not-ECT, %" PRIu64 " ECT(0), %" PRIu64 " ECT(1), %" PRIu64
		 " CE",
		 at->super_datagrams, at->ecn[0], at->ecn[2], at->ecn[1],
		 at->ecn[3]);
	if (known.where)
		ztt_page_append(text, sizeof(text),
				"; lost before this point %" PRIu64
				", after it %" PRIu64,
				at->lost_before, at->lost_after);
	if (known.frames)
		ztt_page_append(text, sizeof(text),
				"; numbers missed by the capture %" PRIu64
				", skipped by the sender %" PRIu64
				", unanswered %" PRIu64
				"; key updates %" PRIu64,
				at->missed, at->skipped, at->unanswered,
				at->key_updates);
	if (at->ack_delay_us && ztt_hist_count(at->ack_delay_us))
		ztt_page_append(text, sizeof(text),
				"; acknowledged after %s (p50)",
				ztt_units_ns(delay,
					     NS_PER_US *
						     (double)ztt_hist_quantile(
							     at->ack_delay_us,
							     0.5)));
	ztt_page_labelled(page, at == &connection->up ? "client" : "server",
			  "%s", text);
}

void ztt_page_more(const struct ztt_page *page,
		   const struct ztt_connection *connection)
{
	static const char *const heads[] = {"  from",     ">datagrams",
					    ">largest",   ">double",
					    ">spurious",  ">blocked",
					    ">in flight", ">RTT min",
					    NULL};
	const struct ztt_direction *both[] = {&connection->up,
					      &connection->down};
	struct ztt_table *table = ztt_table_new(heads);

	for (size_t i = 0; i < 2; i++)
		more_row(table, connection, both[i]);
	ztt_table_print(table, page->color, page->out);
	ztt_table_free(table);
	for (size_t i = 0; i < 2; i++)
		put_words_of(page, connection, both[i]);
}
