#define _GNU_SOURCE
#include "ztt-doctor/fix/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

#define VALUE_BYTES_MAX 63

/* Regular files only. */
static int read_file(const struct ztt_place *place, const char *path,
		     size_t max_bytes, struct ztt_state *state)
{
	int fd = ztt_place_open_path(place, path, O_RDONLY | O_NONBLOCK);
	struct stat st;
	ssize_t got = 1;
	int rc = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	if (rc < 0)
		goto out;
	state->mode = st.st_mode & 07777;
	state->uid = st.st_uid;
	state->gid = st.st_gid;
	state->bytes = ztt_alloc(max_bytes + 1);
	while (got > 0 && state->len_bytes <= max_bytes) {
		got = read(fd, state->bytes + state->len_bytes,
			   max_bytes + 1 - state->len_bytes);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			rc = -errno;
		else
			state->len_bytes += (size_t)got;
	}
	if (rc == 0 && state->len_bytes > max_bytes)
		rc = -EFBIG;
	else if (rc == 0)
		state->bytes[state->len_bytes] = 0;
out:
	close(fd);
	return rc;
}

static int read_kept_file(const struct ztt_place *place, const char *path,
			  struct ztt_state *state)
{
	int rc = read_file(place, path, ZTT_STATE_BYTES_MAX, state);
	struct ztt_state read = *state;

	if (rc == -ENOENT) {
		strcpy(state->print, "absent");
		return 0;
	}
	if (rc < 0)
		return rc;
	ztt_state_of_file(state, read.bytes, read.len_bytes);
	state->mode = read.mode;
	state->uid = read.uid;
	state->gid = read.gid;
	free(read.bytes);
	return 0;
}

static int read_value(const struct ztt_place *place, const char *key,
		      struct ztt_state *state)
{
	char path[ZTT_TARGET_BYTES + 16];
	struct ztt_state read = {0};
	int rc;

	ztt_sysctl_path(key, path);
	rc = read_file(place, path, VALUE_BYTES_MAX, &read);
	if (rc == 0 && strlen(read.bytes) != read.len_bytes)
		rc = -EINVAL;
	if (rc == 0)
		rc = ztt_state_of_value(state, read.bytes);
	state->mode = read.mode;
	state->uid = read.uid;
	state->gid = read.gid;
	ztt_state_release(&read);
	return rc;
}

int ztt_place_open_regular(const struct ztt_place *place, const char *path,
			   struct stat *ret_st)
{
	int fd = place->live && geteuid() == 0
			 ? ztt_place_open_own_way(place, path)
			 : ztt_place_open_path(place, path, O_PATH);
	int rc = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, ret_st) < 0)
		rc = -errno;
	else if (!S_ISREG(ret_st->st_mode))
		rc = -EINVAL;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int read_mode(const struct ztt_place *place, const char *path,
		     struct ztt_state *state)
{
	struct stat st;
	int fd = ztt_place_open_regular(place, path, &st);

	if (fd < 0)
		return fd;
	close(fd);
	ztt_state_of_mode(state, st.st_mode & 07777);
	state->uid = st.st_uid;
	state->gid = st.st_gid;
	return 0;
}

static int read_dir(const struct ztt_place *place, const char *path,
		    struct ztt_state *state)
{
	int fd = ztt_place_open_path(place, path, O_PATH);
	struct stat st;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	strcpy(state->print, fd < 0 ? "absent" : "present");
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		state->mode = st.st_mode & 07777;
	close(fd);
	return 0;
}

int ztt_target_read(const struct ztt_place *place, enum ztt_target_kind kind,
		    const char *target, struct ztt_state *ret_state)
{
	struct ztt_state state = {.print = ""};
	int rc = -EINVAL;

	if (kind == ZTT_TARGET_DIR)
		rc = read_dir(place, target, &state);
	else if (kind == ZTT_TARGET_FILE)
		rc = read_kept_file(place, target, &state);
	else if (kind == ZTT_TARGET_SYSCTL)
		rc = read_value(place, target, &state);
	else if (kind == ZTT_TARGET_MODE)
		rc = read_mode(place, target, &state);
	if (rc < 0)
		ztt_state_release(&state);
	else
		*ret_state = state;
	return rc;
}
