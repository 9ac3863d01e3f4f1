#include "ztt-doctor/host/cpu_info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/root.h"

#define CPUINFO_BYTES_MAX (16 * 1024 * 1024)

/* proc_cpuinfo(5): "KEY<tabs>: VALUE". */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0)
		return NULL;
	line += len + strspn(line + len, " \t");
	if (*line != ':')
		return NULL;
	return line + 1 + strspn(line + 1, " \t");
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (*words) {
		size_t here = strcspn(words, " \t");

		if (here == len && strncmp(words, word, len) == 0)
			return true;
		words += here;
		words += strspn(words, " \t");
	}
	return false;
}

static void keep_flags(struct ztt_cpu_info *info, const char *flags, bool arm)
{
	const struct {
		const char *name;
		bool *held;
	} known[] = {
		{"aes", &info->aes},         {"pclmulqdq", &info->pclmulqdq},
		{"vaes", &info->vaes},       {"avx2", &info->avx2},
		{"avx512f", &info->avx512f}, {"pmull", &info->pmull},
		{"sha2", &info->sha2},       {"hypervisor", &info->hypervisor},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		*known[i].held = (*known[i].held || !info->has_flags) &&
				 has_word(flags, known[i].name);
	info->has_flags = true;
	info->arm = arm;
}

static void parse_line(struct ztt_cpu_info *info, const char *line)
{
	const char *value;

	if (value_of(line, "processor")) {
		info->processors++;
		return;
	}
	value = value_of(line, "model name");
	if (!value)
		value = value_of(line, "Model");
	if (value && !info->model[0])
		snprintf(info->model, sizeof(info->model), "%s", value);
	value = value_of(line, "flags");
	if (value)
		keep_flags(info, value, false);
	value = value_of(line, "Features");
	if (value)
		keep_flags(info, value, true);
}

void ztt_cpu_info_parse(char *text, struct ztt_cpu_info *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	while (text) {
		char *line = strsep(&text, "\n");

		parse_line(ret_info, line);
	}
}

int ztt_cpu_info_read(const struct ztt_root *root,
		      struct ztt_cpu_info *ret_info)
{
	char *text;
	size_t len;
	int rc = ztt_root_load(root, "/proc/cpuinfo", CPUINFO_BYTES_MAX, &text,
			       &len);

	if (rc < 0)
		return rc;
	ztt_cpu_info_parse(text, ret_info);
	free(text);
	return 0;
}

static bool take_number(const char **at, unsigned long *ret_value)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*ret_value = strtoul(*at, &end, 10);
	*at = end;
	return *ret_value < ZTT_CPU_LIST_MAX;
}

int ztt_cpu_list_parse(const char *text, bool set[ZTT_CPU_LIST_MAX])
{
	int count = 0;

	memset(set, 0, ZTT_CPU_LIST_MAX * sizeof(*set));
	while (*text && *text != '\n') {
		unsigned long first, last;

		if (!take_number(&text, &first))
			return -EINVAL;
		last = first;
		if (*text == '-' && (text++, !take_number(&text, &last)))
			return -EINVAL;
		if (last < first)
			return -EINVAL;
		for (unsigned long n = first; n <= last; n++) {
			count += !set[n];
			set[n] = true;
		}
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return -EINVAL;
	}
	return count;
}
