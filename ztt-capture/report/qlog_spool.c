#define _GNU_SOURCE
#include "ztt-capture/report/qlog_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"

/* A block begins with the number of the next one. */
#define HEAD_BYTES sizeof(uint64_t)
#define TEXT_BYTES (ZTT_QLOG_BLOCK_BYTES - HEAD_BYTES)

static int open_unnamed(void)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!directory || !directory[0])
		directory = "/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* A file system without O_TMPFILE. */
	if (snprintf(path, sizeof(path), "%s/ztt-qlog-XXXXXX", directory) >=
	    (int)sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int ztt_qlog_spool_open(struct ztt_qlog_spool *spool, struct ztt_err *err)
{
	int fd = open_unnamed();

	if (fd < 0)
		return ztt_err_set(err, -errno,
				   "no temporary file for qlog 0.3: %s (set "
				   "TMPDIR, or use --qlog-version 14)",
				   strerror(errno));
	*spool = (struct ztt_qlog_spool){.fd = fd};
	return 0;
}

void ztt_qlog_spool_close(struct ztt_qlog_spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
}

static off_t offset_of(uint64_t block)
{
	return (off_t)(block * ZTT_QLOG_BLOCK_BYTES);
}

static void write_block(struct ztt_qlog_spool *spool,
			struct ztt_qlog_chain *chain)
{
	uint64_t next = spool->blocks++;
	size_t done = 0;

	memcpy(chain->block, &next, HEAD_BYTES);
	while (done < ZTT_QLOG_BLOCK_BYTES && !spool->failed) {
		ssize_t part = pwrite(spool->fd, chain->block + done,
				      ZTT_QLOG_BLOCK_BYTES - done,
				      offset_of(chain->at) + (off_t)done);

		if (part > 0)
			done += (size_t)part;
		else if (part == 0 || errno != EINTR)
			spool->failed = part ? -errno : -EIO;
	}
	chain->at = next;
	chain->len_bytes = 0;
}

void ztt_qlog_chain_put(struct ztt_qlog_spool *spool,
			struct ztt_qlog_chain *chain, const char *text,
			size_t len_bytes)
{
	if (!chain->block) {
		chain->block = ztt_calloc(1, ZTT_QLOG_BLOCK_BYTES);
		chain->first = chain->at = spool->blocks++;
	}
	while (len_bytes > 0) {
		size_t room = TEXT_BYTES - chain->len_bytes;
		size_t part = len_bytes < room ? len_bytes : room;

		memcpy(chain->block + HEAD_BYTES + chain->len_bytes, text,
		       part);
		chain->len_bytes += part;
		text += part;
		len_bytes -= part;
		if (chain->len_bytes == TEXT_BYTES)
			write_block(spool, chain);
	}
}

static int read_block(struct ztt_qlog_spool *spool, uint64_t block,
		      char out[ZTT_QLOG_BLOCK_BYTES])
{
	size_t done = 0;

	while (done < ZTT_QLOG_BLOCK_BYTES) {
		ssize_t part = pread(spool->fd, out + done,
				     ZTT_QLOG_BLOCK_BYTES - done,
				     offset_of(block) + (off_t)done);

		if (part > 0)
			done += (size_t)part;
		else if (part == 0 || errno != EINTR)
			return part ? -errno : -EIO;
	}
	return 0;
}

static int put_out(const char *text, size_t len_bytes, FILE *out)
{
	errno = 0;
	if (fwrite(text, 1, len_bytes, out) != len_bytes)
		return errno ? -errno : -EIO;
	return 0;
}

int ztt_qlog_chain_copy(struct ztt_qlog_spool *spool,
			struct ztt_qlog_chain *chain, FILE *out)
{
	char block[ZTT_QLOG_BLOCK_BYTES];
	int ret = spool->failed;

	if (!chain->block)
		return ret;
	for (uint64_t at = chain->first; ret == 0 && at != chain->at;) {
		ret = read_block(spool, at, block);
		if (ret == 0)
			ret = put_out(block + HEAD_BYTES, TEXT_BYTES, out);
		memcpy(&at, block, HEAD_BYTES);
	}
	if (ret == 0)
		ret = put_out(chain->block + HEAD_BYTES, chain->len_bytes, out);
	return ret;
}

void ztt_qlog_chain_release(struct ztt_qlog_chain *chain)
{
	free(chain->block);
	*chain = (struct ztt_qlog_chain){0};
}
