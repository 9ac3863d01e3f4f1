#include <errno.h>
#include <stdio.h>

#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/source/decrypt.h"

#define NAME "decrypt"

struct settings {
	struct ztt_opt_common common;
	const char *keys, *write;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_decrypt_options[] = {
	{.name = "keys",
	 .letter = 'k',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "NSS key log (SSLKEYLOGFILE) to put in",
	 .offset = AT(keys)},
	{.name = "write",
	 .letter = 'w',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "the pcapng file to make (\"-\": standard output)",
	 .offset = AT(write)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture decrypt -k KEYS -w OUT.pcapng FILE",
	.purpose =
		"Puts the key log into the capture (a Decryption Secrets "
		"Block), so that\n"
		"Wireshark opens and decrypts it by itself. Who has the file "
		"can read the traffic.",
	.examples = "  ztt-capture decrypt -k keys.txt -w open.pcapng "
		    "trace.pcapng",
};

static int check(const struct settings *settings, int words,
		 struct ztt_err *err)
{
	if (words != 1)
		return ztt_err_set(err, -EINVAL, "one capture is expected");
	if (!settings->keys)
		return ztt_err_set(err, -EINVAL, "no key log: --keys FILE");
	if (!settings->write)
		return ztt_err_set(err, -EINVAL,
				   "no file to make: --write FILE");
	return 0;
}

static void tell(const struct ztt_decrypt_figures *figures)
{
	fprintf(stderr, "%zu secrets are now in the capture", figures->lines);
	if (figures->lines_bad)
		fprintf(stderr, "; %zu lines of the key log are none",
			figures->lines_bad);
	if (figures->problem[0])
		fprintf(stderr, "; %s", figures->problem);
	fputc('\n', stderr);
}

static int confine(void *owner, struct ztt_err *err)
{
	(void)owner;
	return ztt_cmd_confine(err);
}

int ztt_cmd_decrypt(int argc, char **argv)
{
	struct settings settings = {0};
	struct ztt_decrypt_figures figures;
	struct ztt_err err;
	int words, rc;
	int status = ztt_command_options("ztt-capture", NAME,
					 ztt_decrypt_options, &help, &settings,
					 &settings.common, argc, argv, &words);

	if (status >= 0)
		return status;
	rc = check(&settings, words, &err);
	if (rc == 0)
		rc = ztt_decrypt(
			&(struct ztt_decrypt_plan){.in = argv[1],
						   .key_log = settings.keys,
						   .out = settings.write,
						   .opened = confine},
			&figures, &err);
	if (rc < 0)
		return ztt_cmd_complain(NAME, rc, &err);
	if (!settings.common.quiet)
		tell(&figures);
	return ZTT_EXIT_FINE;
}
