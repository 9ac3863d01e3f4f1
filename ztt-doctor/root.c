#define _GNU_SOURCE
#include "ztt-doctor/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"

#define GROW_BYTES 16384

struct file {
	char *path, *data;
	size_t len_bytes;
	int rc; /* below 0: it cannot be read */
};

struct ztt_root {
	enum ztt_root_kind kind;
	int fd; /* of the directory; -1 for a bundle */
	char dir[PATH_MAX];
	struct file *files;
	size_t file_count;
};

int ztt_root_open(const char *dir, struct ztt_root **ret_root,
		  struct ztt_err *err)
{
	const char *path = dir ? dir : "/";
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ztt_root *root;
	int rc = -errno;

	if (fd < 0)
		return ztt_err_set(err, rc, "cannot read the host in %s: %s",
				   path, strerror(-rc));
	root = ztt_calloc(1, sizeof(*root));
	root->kind = dir ? ZTT_ROOT_DIR : ZTT_ROOT_LIVE;
	root->fd = fd;
	if (dir && !realpath(dir, root->dir))
		snprintf(root->dir, sizeof(root->dir), "%s", dir);
	*ret_root = root;
	return 0;
}

struct ztt_root *ztt_root_new_bundle(void)
{
	struct ztt_root *root = ztt_calloc(1, sizeof(*root));

	root->kind = ZTT_ROOT_BUNDLE;
	root->fd = -1;
	return root;
}

void ztt_root_free(struct ztt_root *root)
{
	if (!root)
		return;
	for (size_t i = 0; i < root->file_count; i++) {
		free(root->files[i].path);
		free(root->files[i].data);
	}
	free(root->files);
	if (root->fd >= 0)
		close(root->fd);
	free(root);
}

enum ztt_root_kind ztt_root_kind(const struct ztt_root *root)
{
	return root->kind;
}

void ztt_root_put(struct ztt_root *root, const char *path, const void *data,
		  size_t len_bytes)
{
	size_t at = root->file_count++;

	root->files = ztt_realloc(root->files,
				  root->file_count * sizeof(*root->files));
	root->files[at].path = ztt_strdup(path);
	root->files[at].data = ztt_alloc(len_bytes);
	memcpy(root->files[at].data, data, len_bytes);
	root->files[at].len_bytes = len_bytes;
	root->files[at].rc = 0;
}

void ztt_root_put_broken(struct ztt_root *root, const char *path, int rc)
{
	ztt_root_put(root, path, "", 0);
	root->files[root->file_count - 1].rc = rc;
}

static int find_file(const struct ztt_root *root, const char *path,
		     const struct file **ret_file)
{
	for (size_t i = 0; i < root->file_count; i++)
		if (strcmp(root->files[i].path, path) == 0) {
			*ret_file = &root->files[i];
			return root->files[i].rc;
		}
	return -ENOENT;
}

/* Symbolic links of a copied host point within the copy, as they did. openat2
 * refuses flags that mean nothing together, such as O_NOCTTY with O_PATH. */
static int open_within(const struct ztt_root *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (root->kind == ZTT_ROOT_LIVE)
		fd = open(path, flags | O_CLOEXEC);
	else
		fd = (int)syscall(SYS_openat2, root->fd, path, &how,
				  sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* O_NONBLOCK: a FIFO or a device may stand where a file is expected. */
static int open_file(const struct ztt_root *root, const char *path)
{
	int fd = open_within(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* Reads on to the end, or until `cap_bytes` are full; files of /proc have no
 * size of their own. */
static ssize_t read_all(int fd, char *buf, size_t cap_bytes)
{
	size_t len = 0;

	while (len < cap_bytes) {
		ssize_t got = read(fd, buf + len, cap_bytes - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static ssize_t read_into(const struct ztt_root *root, const char *path,
			 char *buf, size_t cap_bytes)
{
	const struct file *file;
	ssize_t len;
	int fd, rc;

	if (root->kind == ZTT_ROOT_BUNDLE) {
		rc = find_file(root, path, &file);
		if (rc < 0)
			return rc;
		if (file->len_bytes < cap_bytes)
			cap_bytes = file->len_bytes;
		memcpy(buf, file->data, cap_bytes);
		return (ssize_t)cap_bytes;
	}
	fd = open_file(root, path);
	if (fd < 0)
		return fd;
	len = read_all(fd, buf, cap_bytes);
	close(fd);
	return len;
}

int ztt_root_text(const struct ztt_root *root, const char *path, char *buf,
		  size_t cap_bytes, size_t *ret_len)
{
	ssize_t got = read_into(root, path, buf, cap_bytes);
	size_t len = (size_t)got;

	if (got < 0)
		return (int)got;
	if (len >= cap_bytes || memchr(buf, 0, len)) {
		buf[0] = 0;
		return len >= cap_bytes ? -EFBIG : -EILSEQ;
	}
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = 0;
	if (ret_len)
		*ret_len = len;
	return 0;
}

int ztt_root_load(const struct ztt_root *root, const char *path,
		  size_t max_bytes, char **ret_data, size_t *ret_len)
{
	size_t cap = GROW_BYTES < max_bytes ? GROW_BYTES : max_bytes;
	char *data;

	for (;;) {
		ssize_t got;

		data = ztt_alloc(cap + 1);
		got = read_into(root, path, data, cap + 1);
		if (got >= 0 && (size_t)got <= cap) {
			data[got] = 0;
			*ret_data = data;
			*ret_len = (size_t)got;
			return 0;
		}
		free(data);
		if (got < 0)
			return (int)got;
		if (cap >= max_bytes)
			return -EFBIG;
		cap = cap > max_bytes / 8 ? max_bytes : cap * 8;
	}
}

static ssize_t pread_all(int fd, char *buf, size_t len_bytes, uint64_t offset)
{
	size_t len = 0;

	while (len < len_bytes) {
		ssize_t got = pread(fd, buf + len, len_bytes - len,
				    (off_t)(offset + len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

ssize_t ztt_root_read_at(const struct ztt_root *root, const char *path,
			 uint64_t offset, void *buf, size_t len_bytes)
{
	const struct file *file;
	ssize_t got;
	int fd, rc;

	if (root->kind == ZTT_ROOT_BUNDLE) {
		rc = find_file(root, path, &file);
		if (rc < 0)
			return rc;
		if (offset >= file->len_bytes)
			return 0;
		if (len_bytes > file->len_bytes - offset)
			len_bytes = file->len_bytes - (size_t)offset;
		memcpy(buf, file->data + offset, len_bytes);
		return (ssize_t)len_bytes;
	}
	fd = open_file(root, path);
	if (fd < 0)
		return fd;
	got = offset > (uint64_t)INT64_MAX - len_bytes
		      ? 0
		      : pread_all(fd, buf, len_bytes, offset);
	close(fd);
	return got;
}

/* From the first whole line on, when something before was cut. */
static size_t cut_line(char *data, size_t len)
{
	char *newline = memchr(data, '\n', len);

	if (!newline)
		return len;
	len -= (size_t)(newline + 1 - data);
	memmove(data, newline + 1, len);
	return len;
}

static ssize_t tail_of_file(int fd, char *data, size_t max_bytes, bool *ret_cut)
{
	off_t end = lseek(fd, 0, SEEK_END);

	*ret_cut = end > (off_t)max_bytes;
	if (lseek(fd, *ret_cut ? end - (off_t)max_bytes : 0, SEEK_SET) < 0)
		return -errno;
	return read_all(fd, data, max_bytes);
}

int ztt_root_tail(const struct ztt_root *root, const char *path,
		  size_t max_bytes, char **ret_data, size_t *ret_len,
		  bool *ret_cut)
{
	const struct file *file = NULL;
	bool cut = false;
	ssize_t got;
	char *data;
	int fd = -1, rc;

	if (root->kind == ZTT_ROOT_BUNDLE)
		rc = find_file(root, path, &file);
	else
		rc = fd = open_file(root, path);
	if (rc < 0)
		return rc;
	data = ztt_alloc(max_bytes + 1);
	if (file) {
		cut = file->len_bytes > max_bytes;
		got = (ssize_t)(cut ? max_bytes : file->len_bytes);
		memcpy(data, file->data + file->len_bytes - (size_t)got,
		       (size_t)got);
	} else {
		got = tail_of_file(fd, data, max_bytes, &cut);
		close(fd);
	}
	if (got < 0) {
		free(data);
		return (int)got;
	}
	*ret_len = cut ? cut_line(data, (size_t)got) : (size_t)got;
	data[*ret_len] = 0;
	*ret_data = data;
	*ret_cut = cut;
	return 0;
}

int ztt_root_uint(const struct ztt_root *root, const char *path,
		  uint64_t *ret_value)
{
	unsigned long long value;
	char text[64], *end;
	int rc = ztt_root_text(root, path, text, sizeof(text), NULL);

	if (rc < 0)
		return rc == -EFBIG || rc == -EILSEQ ? -EINVAL : rc;
	if (text[0] == '-')
		return -ERANGE;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end && *end != ' ' && *end != '\t')
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int ztt_root_stat(const struct ztt_root *root, const char *path,
		  struct ztt_root_stat *ret_stat)
{
	const struct file *file;
	struct stat st;
	int fd, rc = 0;

	if (root->kind == ZTT_ROOT_BUNDLE) {
		rc = find_file(root, path, &file);
		if (rc < 0)
			return rc;
		*ret_stat =
			(struct ztt_root_stat){.mode = S_IFREG | 0600,
					       .len_bytes = file->len_bytes};
		return 0;
	}
	fd = open_within(root, path, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else
		*ret_stat = (struct ztt_root_stat){
			.mode = st.st_mode,
			.uid = st.st_uid,
			.gid = st.st_gid,
			.len_bytes = (uint64_t)st.st_size,
			.modified_s = st.st_mtime,
		};
	close(fd);
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a bundle's files directly below `path`. */
static size_t list_bundle(const struct ztt_root *root, const char *path,
			  size_t max, char **names)
{
	size_t len = strlen(path), count = 0;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t i = 0; i < root->file_count && count < max; i++) {
		const char *at = root->files[i].path;

		if (strncmp(at, path, len) == 0 && at[len] == '/' &&
		    !strchr(at + len + 1, '/'))
			names[count++] = ztt_strdup(at + len + 1);
	}
	return count;
}

static size_t list_dir(DIR *dir, size_t max, char **names)
{
	size_t count = 0;
	struct dirent *entry;

	while (count < max && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[count++] = ztt_strdup(entry->d_name);
	return count;
}

int ztt_root_list(const struct ztt_root *root, const char *path, size_t max,
		  char ***ret_names, size_t *ret_count)
{
	char **names;
	DIR *dir;
	int fd;

	if (root->kind == ZTT_ROOT_BUNDLE) {
		names = ztt_calloc(max + 1, sizeof(*names));
		*ret_count = list_bundle(root, path, max, names);
	} else {
		fd = open_within(root, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		dir = fdopendir(fd);
		if (!dir) {
			close(fd);
			return -ENOMEM;
		}
		names = ztt_calloc(max + 1, sizeof(*names));
		*ret_count = list_dir(dir, max, names);
		closedir(dir);
	}
	qsort(names, *ret_count, sizeof(*names), compare_names);
	*ret_names = names;
	return 0;
}

void ztt_root_list_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int ztt_root_target(const struct ztt_root *root, const char *path,
		    char out[PATH_MAX])
{
	ssize_t len;
	int fd;

	if (root->kind == ZTT_ROOT_BUNDLE)
		return -ENOENT;
	fd = open_within(root, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	len = readlinkat(fd, "", out, PATH_MAX - 1);
	if (len < 0)
		len = errno == ENOENT ? -EINVAL : -errno;
	close(fd);
	if (len < 0)
		return (int)len;
	out[len] = 0;
	return 0;
}

int ztt_root_link(const struct ztt_root *root, const char *path,
		  char out[NAME_MAX + 1])
{
	char target[PATH_MAX];
	const char *base;
	int rc = ztt_root_target(root, path, target);

	if (rc < 0)
		return rc;
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	snprintf(out, NAME_MAX + 1, "%.*s", NAME_MAX, base);
	return 0;
}

int ztt_root_real_path(const struct ztt_root *root, const char *path,
		       char out[PATH_MAX])
{
	int len;

	if (root->kind == ZTT_ROOT_BUNDLE)
		return -ENOTSUP;
	len = snprintf(out, PATH_MAX, "%s%s",
		       root->kind == ZTT_ROOT_DIR ? root->dir : "", path);
	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}
