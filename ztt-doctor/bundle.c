#include "ztt-doctor/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "common/err.h"
#include "ztt-doctor/root.h"

#define ZIP_BYTES_MAX (64 * 1024 * 1024)
#define TOTAL_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SYSTEM "systeminformation.json"
#define ENTRIES_MAX 1000
#define SMALL_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define FIRST_BYTES 65536

/* diagnostic/consts.go of cloudflared. */
static const struct known {
	const char *name, *path;
	size_t max_bytes;
} known[] = {
	{"tunnelstate.json", "/engine/diag-tunnel.json", SMALL_BYTES_MAX},
	{"metrics.txt", "/engine/metrics.txt", SMALL_BYTES_MAX},
	{"cloudflared_logs.txt", "/engine/log.txt", TOTAL_BYTES_MAX},
	{"prechecks.json", "/engine/prechecks.json", SMALL_BYTES_MAX},
	{SYSTEM, "/engine/system.json", SMALL_BYTES_MAX},
	{"network.json", "/engine/network.json", SMALL_BYTES_MAX},
	{"configuration.json", "/engine/configuration.json", SMALL_BYTES_MAX},
	{"cli-configuration.json", "/engine/cli-configuration.json",
	 SMALL_BYTES_MAX},
};

static const struct known *find_known(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

/* What the directory of the zip says of sizes is not believed. */
static int inflate_entry(zip_file_t *file, size_t max_bytes, char **ret_data,
			 size_t *ret_len)
{
	size_t cap = FIRST_BYTES, len = 0;
	char *data = ztt_alloc(cap);

	for (;;) {
		zip_int64_t got = zip_fread(file, data + len, cap - len);

		if (got <= 0) {
			if (got == 0)
				break;
			free(data);
			return -EBADMSG;
		}
		len += (size_t)got;
		if (len > max_bytes) {
			free(data);
			return -EFBIG;
		}
		if (len == cap) {
			cap *= 2;
			data = ztt_realloc(data, cap);
		}
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

static int read_entry(zip_t *zip, zip_uint64_t index, const struct known *as,
		      size_t left_bytes, char **ret_data, size_t *ret_len,
		      struct ztt_err *err)
{
	size_t max_bytes =
		as->max_bytes < left_bytes ? as->max_bytes : left_bytes;
	zip_file_t *file = zip_fopen_index(zip, index, 0);
	int rc;

	if (!file)
		return ztt_err_set(err, -EBADMSG, "%s in it cannot be read: %s",
				   as->name, zip_strerror(zip));
	rc = inflate_entry(file, max_bytes, ret_data, ret_len);
	if (rc == -EFBIG)
		ztt_err_set(err, rc, "%s in it is longer than %zu bytes",
			    as->name, max_bytes);
	else if (rc < 0)
		ztt_err_set(err, rc, "%s in it is broken: %s", as->name,
			    zip_file_strerror(file));
	zip_fclose(file);
	return rc;
}

static bool number_of(json_t *info, const char *name, uint64_t *ret_value)
{
	json_t *value = json_object_get(info, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static void put_text(struct ztt_root *root, const char *path, const char *text)
{
	ztt_root_put(root, path, text, strlen(text));
}

/* cloudflared had these from /proc/meminfo, fs.file-nr and uname, of which its
 * "osVersion" is what others call the release; memory in use is
 * MemTotal less MemAvailable. */
static void put_system(struct ztt_root *root, const char *data, size_t len)
{
	json_t *top = json_loadb(data, len, 0, NULL);
	json_t *info = json_object_get(top, "info");
	const char *release;
	uint64_t most, used;
	char text[256];

	if (!info)
		info = top;
	if (number_of(info, "memoryMaximum", &most) &&
	    number_of(info, "memoryCurrent", &used) && used <= most) {
		snprintf(text, sizeof(text),
			 "MemTotal:       %8" PRIu64 " kB\n"
			 "MemAvailable:   %8" PRIu64 " kB\n",
			 most, most - used);
		put_text(root, "/proc/meminfo", text);
	}
	if (number_of(info, "fileDescriptorMaximum", &most) &&
	    number_of(info, "fileDescriptorCurrent", &used)) {
		snprintf(text, sizeof(text), "%" PRIu64 "\t0\t%" PRIu64 "\n",
			 used, most);
		put_text(root, "/proc/sys/fs/file-nr", text);
	}
	release = json_string_value(json_object_get(info, "osVersion"));
	if (release)
		put_text(root, "/proc/sys/kernel/osrelease", release);
	json_decref(top);
}

/* What would have been read from it is not known then. */
static void put_broken(struct ztt_root *root, const struct known *as, int rc)
{
	static const char *const of_system[] = {"/proc/meminfo",
						"/proc/sys/fs/file-nr",
						"/proc/sys/kernel/osrelease"};

	ztt_root_put_broken(root, as->path, rc);
	if (strcmp(as->name, SYSTEM) != 0)
		return;
	for (size_t i = 0; i < sizeof(of_system) / sizeof(*of_system); i++)
		ztt_root_put_broken(root, of_system[i], rc);
}

/* 1: read; 0: none of ours, or there is one already; else why it cannot be
 * read, which the root keeps. */
static int add_entry(zip_t *zip, zip_uint64_t index, struct ztt_root *root,
		     size_t *left_bytes, struct ztt_err *err)
{
	const struct known *as;
	struct ztt_root_stat there;
	zip_stat_t st;
	char *data = NULL;
	size_t len = 0;
	int rc;

	zip_stat_init(&st);
	if (zip_stat_index(zip, index, 0, &st) < 0 || !st.name)
		return 0;
	as = find_known(st.name);
	if (!as || ztt_root_stat(root, as->path, &there) != -ENOENT)
		return 0;
	if (st.valid & ZIP_STAT_ENCRYPTION_METHOD &&
	    st.encryption_method != ZIP_EM_NONE)
		rc = ztt_err_set(err, -ENOKEY,
				 "it is encrypted: give one that is not");
	else
		rc = read_entry(zip, index, as, *left_bytes, &data, &len, err);
	if (rc < 0) {
		put_broken(root, as, rc);
		return rc;
	}
	*left_bytes -= len;
	ztt_root_put(root, as->path, data, len);
	if (strcmp(as->name, SYSTEM) == 0)
		put_system(root, data, len);
	free(data);
	return 1;
}

static int add_all(zip_t *zip, struct ztt_root *root, struct ztt_err *err)
{
	zip_int64_t count = zip_get_num_entries(zip, 0);
	size_t left_bytes = TOTAL_BYTES_MAX;
	struct ztt_err why;
	bool some = false;
	int broken = 0;

	if (count > ENTRIES_MAX)
		return ztt_err_set(err, -EFBIG, "it has more than %d entries",
				   ENTRIES_MAX);
	for (zip_int64_t i = 0; i < count; i++) {
		int rc = add_entry(zip, (zip_uint64_t)i, root, &left_bytes,
				   &why);

		if (rc < 0 && !broken)
			broken = ztt_err_set(err, rc == -EFBIG ? rc : -EPROTO,
					     "%s", why.text);
		some |= rc > 0;
	}
	if (!some && broken)
		return broken;
	return some ? 0
		    : ztt_err_set(err, -EPROTO,
				  "nothing in it is of cloudflared: is it "
				  "what 'cloudflared tunnel diag' wrote?");
}

static int open_zip(const char *path, zip_t **ret_zip, struct ztt_err *err)
{
	zip_error_t why;
	struct stat st;
	int code, rc;

	if (stat(path, &st) < 0) {
		rc = -errno;
		return ztt_err_set(err, rc, "%s", strerror(-rc));
	}
	if (!S_ISREG(st.st_mode))
		return ztt_err_set(err, -EPROTO, "it is no file");
	if (st.st_size > ZIP_BYTES_MAX)
		return ztt_err_set(err, -EFBIG, "it is longer than 64 MiB");
	*ret_zip = zip_open(path, ZIP_RDONLY, &code);
	if (*ret_zip)
		return 0;
	zip_error_init_with_code(&why, code);
	rc = code == ZIP_ER_OPEN && errno == EACCES ? -EACCES : -EPROTO;
	if (code == ZIP_ER_NOZIP)
		ztt_err_set(err, rc,
			    "it is no zip, or the end of it is "
			    "missing");
	else
		ztt_err_set(err, rc, "it is no zip that can be read: %s",
			    zip_error_strerror(&why));
	zip_error_fini(&why);
	return rc;
}

int ztt_bundle_open(const char *zip_path, struct ztt_root **ret_root,
		    struct ztt_err *err)
{
	struct ztt_root *root;
	zip_t *zip = NULL;
	int rc = open_zip(zip_path, &zip, err);

	if (rc < 0)
		return ztt_err_prefix(err, rc, "cannot read the bundle %s",
				      zip_path);
	root = ztt_root_new_bundle();
	rc = add_all(zip, root, err);
	zip_discard(zip);
	if (rc < 0) {
		ztt_root_free(root);
		return ztt_err_prefix(err, rc, "cannot read the bundle %s",
				      zip_path);
	}
	*ret_root = root;
	return 0;
}
