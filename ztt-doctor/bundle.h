/* A bundle that `cloudflared tunnel diag` wrote on some host. */
#ifndef ZTT_DOCTOR_BUNDLE_H
#define ZTT_DOCTOR_BUNDLE_H

struct ztt_err;
struct ztt_root;

/* Reads the zip at `zip_path`: the entries that are known, each bounded in
 * size, at most 64 MiB together; others are left out. The root's files are
 * called as they are on a host (/proc/meminfo), or /engine/NAME. An entry that is
 * broken, encrypted or too long is one that cannot be read from the root; with
 * nothing that can, -EPROTO or -EFBIG. -ENOENT, -EACCES; -EPROTO: no zip, or
 * nothing of cloudflared in it. */
int ztt_bundle_open(const char *zip_path, struct ztt_root **ret_root,
		    struct ztt_err *err);

#endif
