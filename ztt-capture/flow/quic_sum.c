#include "ztt-capture/flow/quic_flow.h"

#include "ztt-capture/analysis/grade.h"
#include "ztt-capture/decode/tunnel.h"

static void sum_direction(struct ztt_quic_flow *flow, bool up)
{
	struct ztt_direction *direction = ztt_quic_direction(flow, up);
	const struct ztt_quic_tally *tally;
	uint64_t likely = 0, numbers = 0;

	for (int i = 0; i < ZTT_SPACES; i++) {
		if (!flow->spaces[up][i])
			continue;
		tally = ztt_quic_space_tally(flow->spaces[up][i]);
		likely += tally->lost_before_likely;
		direction->lost_after += tally->lost_after;
		direction->lost_before +=
			tally->lost_before_certain + tally->lost_before_likely;
		direction->skipped += tally->skipped;
		direction->missed += tally->missed;
		direction->reordered += tally->reordered;
		direction->duplicated += tally->duplicated;
		direction->spurious += tally->spurious;
		if (i < ZTT_SPACES - 1)
			continue;
		direction->unanswered = tally->unanswered;
		direction->in_flight_most_bytes = tally->in_flight_most_bytes;
		numbers = tally->seen + tally->lost_before_certain +
			  tally->lost_before_likely + tally->skipped;
	}
	direction->lost = direction->lost_before + direction->lost_after;
	ztt_quic_loss_grade(direction, likely, numbers,
			    flow->connection->decrypted);
}

void ztt_quic_flow_sum(struct ztt_quic_flow *flow)
{
	struct ztt_connection *connection = flow->connection;

	for (int i = 0; i < ZTT_SPACES; i++)
		for (int up = 0; up < 2; up++)
			if (flow->spaces[up][i])
				ztt_quic_space_finish(flow->spaces[up][i]);
	sum_direction(flow, false);
	sum_direction(flow, true);
	for (int type = 0; type < 4; type++)
		if (flow->stream_least[type])
			connection->streams += flow->stream_most[type] -
					       flow->stream_least[type] + 1;
	if (flow->tunnel)
		connection->requests = ztt_tunnel_facts(flow->tunnel)->requests;
}
