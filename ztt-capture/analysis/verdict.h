/* What a connection's figures mean, in one sentence: its clauses are the rows
 * of verdicts.def, in order, as far as they have something to say. */
#ifndef ZTT_CAPTURE_VERDICT_H
#define ZTT_CAPTURE_VERDICT_H

struct ztt_connection;

/* Fills connection->verdict. */
void ztt_verdict_make(struct ztt_connection *connection);

#endif
