#define _GNU_SOURCE
#include "ztt-bench/parts/edge/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/tls.h"

static int make_folder(struct ztt_edge_files *files, struct ztt_err *err)
{
	const char *tmp = getenv("TMPDIR");
	int len;

	if (!tmp || !*tmp)
		tmp = "/tmp";
	len = snprintf(files->folder, sizeof(files->folder),
		       "%s/ztt-edge-XXXXXX", tmp);
	if (len >= (int)sizeof(files->folder))
		errno = ENAMETOOLONG;
	else if (mkdtemp(files->folder))
		return 0;
	len = -errno;
	files->folder[0] = '\0';
	return ztt_err_set(err, len,
			   "cannot make a folder in %s: %s; name the files "
			   "with --ca and --credentials",
			   tmp, strerror(-len));
}

static void choose(const struct ztt_edge_files *files, const char *asked,
		   const char *name, char *out, size_t cap, bool *ret_own)
{
	*ret_own = !asked;
	if (asked)
		snprintf(out, cap, "%s", asked);
	else
		snprintf(out, cap, "%s/%s", files->folder, name);
}

int ztt_edge_write_files(struct ztt_edge_files *files,
			 const struct ztt_edge *edge, const char *ca,
			 const char *credentials, struct ztt_err *err)
{
	const char *pem;
	size_t len;
	int rc;

	if (!ca || !credentials) {
		rc = make_folder(files, err);
		if (rc < 0)
			return rc;
	}
	choose(files, ca, "ca.pem", files->ca, sizeof(files->ca),
	       &files->own_ca);
	choose(files, credentials, "credentials.json", files->credentials,
	       sizeof(files->credentials), &files->own_credentials);
	pem = ztt_tls_ca_pem(edge->tls, &len);
	rc = ztt_file_write(files->ca, pem, len, err);
	if (rc < 0)
		return rc;
	return ztt_credentials_write(files->credentials, &edge->credentials,
				     err);
}

void ztt_edge_remove_files(const struct ztt_edge_files *files)
{
	if (files->own_ca)
		unlink(files->ca);
	if (files->own_credentials)
		unlink(files->credentials);
	if (files->folder[0])
		rmdir(files->folder);
}
