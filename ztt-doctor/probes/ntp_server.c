#define _GNU_SOURCE
#include "ztt-doctor/probes/ntp.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ztt-doctor/doctor.h"

#define CONF_MAX_BYTES (256 * 1024)
#define CONF_FILES_MAX 64
#define DEFAULT_SERVER "time.cloudflare.com"

static bool is_server(const char *word)
{
	/* 127.127.x.y are reference clocks of ntpd, no hosts. */
	return word && *word && strncmp(word, "127.127.", 8) != 0 &&
	       strlen(word) < 256;
}

/* "server HOST ..." and "pool HOST ...": chrony.conf(5), ntp.conf(5). */
static bool word_server(char *line, char ret_server[256])
{
	char *rest, *word = strtok_r(line, " \t\r", &rest);

	if (!word || (strcasecmp(word, "server") && strcasecmp(word, "pool") &&
		      strcasecmp(word, "peer")))
		return false;
	word = strtok_r(NULL, " \t\r", &rest);
	if (!is_server(word))
		return false;
	snprintf(ret_server, 256, "%s", word);
	return true;
}

/* "NTP=HOST HOST": timesyncd.conf(5). */
static bool key_server(char *line, char ret_server[256])
{
	char *rest, *word;

	line += strspn(line, " \t");
	if (strncmp(line, "NTP", 3))
		return false;
	line += 3 + strspn(line + 3, " \t");
	if (*line != '=')
		return false;
	word = strtok_r(line + 1, " \t\r", &rest);
	if (!is_server(word))
		return false;
	snprintf(ret_server, 256, "%s", word);
	return true;
}

static bool find_in(struct ztt_doctor *doctor, const char *path,
		    bool (*read_line)(char *, char[256]), char ret_server[256],
		    char ret_from[128])
{
	char *text, *line, *next;
	bool found = false;
	size_t len;

	if (ztt_root_load(doctor->root, path, CONF_MAX_BYTES, &text, &len) < 0)
		return false;
	next = text;
	while (!found && (line = strsep(&next, "\n")))
		found = read_line(line, ret_server);
	free(text);
	if (found)
		snprintf(ret_from, 128, "%s", path);
	return found;
}

static bool find_in_dir(struct ztt_doctor *doctor, const char *dir,
			bool (*read_line)(char *, char[256]),
			char ret_server[256], char ret_from[128])
{
	char **names, path[512];
	bool found = false;
	size_t count;

	if (ztt_root_list(doctor->root, dir, CONF_FILES_MAX, &names, &count) <
	    0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		found = find_in(doctor, path, read_line, ret_server, ret_from);
	}
	ztt_root_list_free(names, count);
	return found;
}

void ztt_ntp_server(struct ztt_doctor *doctor, char ret_server[256],
		    char ret_from[128])
{
	static const struct {
		const char *path;
		bool is_dir;
		bool (*read_line)(char *, char[256]);
	} files[] = {
		{"/etc/systemd/timesyncd.conf.d", true, key_server},
		{"/etc/systemd/timesyncd.conf", false, key_server},
		{"/etc/chrony/sources.d", true, word_server},
		{"/etc/chrony/chrony.conf", false, word_server},
		{"/etc/chrony.conf", false, word_server},
		{"/etc/ntpsec/ntp.conf", false, word_server},
		{"/etc/ntp.conf", false, word_server},
	};

	if (doctor->plan.ntp) {
		snprintf(ret_server, 256, "%s", doctor->plan.ntp);
		snprintf(ret_from, 128, "--ntp");
		return;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if ((files[i].is_dir ? find_in_dir
				     : find_in)(doctor, files[i].path,
						files[i].read_line, ret_server,
						ret_from))
			return;
	snprintf(ret_server, 256, DEFAULT_SERVER);
	snprintf(ret_from, 128, "no other is configured");
}
