#include "ztt-capture/flow/tls_flow.h"

static void say_flags(struct ztt_line *line, unsigned flags)
{
	if (flags & ZTT_TCP_SYN)
		ztt_line_add(line, flags & ZTT_TCP_ACK ? "SYN ACK" : "SYN");
	if (flags & ZTT_TCP_RST) {
		ztt_line_next(line);
		ztt_line_add(line, "RST");
	}
	if (flags & ZTT_TCP_FIN) {
		ztt_line_next(line);
		ztt_line_add(line, "FIN");
	}
}

static void say_seen(struct ztt_line *line, unsigned seen)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {
		{ZTT_TCP_SPURIOUS, "sent again though acknowledged"},
		{ZTT_TCP_SENT_AGAIN, "sent again"},
		{ZTT_TCP_REORDERED, "out of order"},
		{ZTT_TCP_AFTER_GAP, "after a gap"},
		{ZTT_TCP_DUPLICATE_ACK, "duplicate ACK"},
		{ZTT_TCP_ZERO_WINDOW, "zero window"},
		{ZTT_TCP_KEEP_ALIVE, "keep-alive"},
	};

	if (seen & ZTT_TCP_SPURIOUS)
		seen &= ~(unsigned)ZTT_TCP_SENT_AGAIN;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (seen & words[i].bit) {
			ztt_line_next(line);
			ztt_line_add(line, "%s", words[i].text);
		}
}

void ztt_tls_flow_say(struct ztt_line *line, unsigned flags, unsigned seen)
{
	say_flags(line, flags);
	say_seen(line, seen);
}
