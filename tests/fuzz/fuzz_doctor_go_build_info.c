/* The first byte picks: 'i' the section's contents, anything else a whole
 * program. */
#include "ztt-doctor/engine/go_build_info.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_program(const uint8_t *data, size_t size,
			struct ztt_go_build_info *info)
{
	struct ztt_root *root = ztt_root_new_bundle();
	int rc;

	ztt_root_put(root, "/program", data, size);
	rc = ztt_go_build_info_read(root, "/program", info);
	ztt_root_free(root);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_go_build_info info;
	int rc;

	if (size == 0)
		return 0;
	rc = data[0] == 'i' ? ztt_go_build_info_parse(data + 1, size - 1, &info)
			    : read_program(data + 1, size - 1, &info);
	if (rc == 0 &&
	    (strlen(info.go_version) >= sizeof(info.go_version) ||
	     strlen(info.package) >= sizeof(info.package) ||
	     strlen(info.main_version) >= sizeof(info.main_version) ||
	     strpbrk(info.main_version, " \n\x1b")))
		abort();
	return 0;
}
