#include <stddef.h>

#include "common/commands.h"
#include "ztt-capture/cmd.h"

static const struct ztt_command commands[] = {
	{"record", "record tunnel traffic", ztt_cmd_record, ztt_record_options},
	{"report", "what was sent, lost and delayed, for each connection",
	 ztt_cmd_report, ztt_report_options},
	{"read", "one line, or a tree, for each packet", ztt_cmd_read,
	 ztt_read_options},
	{"diff", "two captures of the same traffic: exact loss, without keys",
	 ztt_cmd_diff, ztt_diff_options},
	{"qlog", "the events as qlog, for qvis", ztt_cmd_qlog,
	 ztt_qlog_options},
	{"decrypt", "put the keys into the capture, for Wireshark",
	 ztt_cmd_decrypt, ztt_decrypt_options},
	{NULL, NULL, NULL, NULL},
};

static const struct ztt_tool tool = {
	.name = "ztt-capture",
	.intro = "ztt-capture records and decodes tunnel traffic (QUIC and "
		 "HTTP/2 of cloudflared,\n"
		 "WireGuard) and says where packets are lost, and how far that "
		 "can be known.\n\n"
		 "  ztt-capture record -w trace.pcapng        record, until "
		 "interrupted\n"
		 "  ztt-capture report trace.pcapng           what was lost, "
		 "and where?\n"
		 "  ztt-capture report -k keys.txt trace.pcapng\n"
		 "  ztt-capture diff here.pcapng there.pcapng   exact, without "
		 "keys\n",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return ztt_tool_main(&tool, argc, argv);
}
