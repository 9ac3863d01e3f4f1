/* engine/go_build_info: small ELF files made here, and what a row says of
 * them. */
#define _GNU_SOURCE
#include "doctor_root.h"

#include <elf.h>
#include <stdbool.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/engine/go_build_info.h"

#define PROGRAM "/usr/local/bin/cloudflared"
#define PATH_LINE "path\tgithub.com/cloudflare/cloudflared/cmd/cloudflared\n"
#define FLAGS_LINE(version)                                         \
	"build\t-ldflags=\"-X \\\"main.Version=" version "\\\" -X " \
	"\\\"main.BuildTime=2026-08-20-12:34 UTC\\\"\"\n"
#define INFO(version)                                                   \
	PATH_LINE "mod\tgithub.com/cloudflare/cloudflared\t(devel)\t\n" \
		  "build\t-compiler=gc\n" FLAGS_LINE(version)

struct image {
	unsigned char data[8192];
	size_t len;
	bool wide, big;
};

static void put(struct image *image, size_t at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		image->data[at + (image->big ? len - 1 - i : i)] =
			(unsigned char)(value >> 8 * i);
}

#define PUT(image, at, type, name, value)                          \
	put(image,                                                 \
	    (at) + ((image)->wide ? offsetof(Elf64_##type, name)   \
				  : offsetof(Elf32_##type, name)), \
	    value,                                                 \
	    (image)->wide ? sizeof(((Elf64_##type *)0)->name)      \
			  : sizeof(((Elf32_##type *)0)->name))

/* Contents of the section as the linker writes it since Go 1.18. */
static size_t put_info(unsigned char *at, const char *lines)
{
	static const unsigned char head[32] = "\xff Go buildinf:\x08\x02";
	size_t len = strlen(lines) + 32, used = 0;

	memcpy(at, head, sizeof(head));
	used += sizeof(head);
	at[used++] = 9;
	memcpy(at + used, "go1.26.11", 9);
	used += 9;
	at[used++] = (unsigned char)(len & 0x7f) | 0x80;
	at[used++] = (unsigned char)(len >> 7);
	memset(at + used, 0xaa, len);
	memcpy(at + used + 16, lines, len - 32);
	return used + len;
}

static size_t header_len(const struct image *image)
{
	return image->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

/* Where section `index` is described; the table stands at 64. */
static size_t header_at(const struct image *image, size_t index)
{
	return 64 + index * header_len(image);
}

/* Three sections: none, the names, and the information. */
static void make(struct image *image, bool wide, bool big, const char *lines)
{
	static const char names[] = "\0.shstrtab\0.go.buildinfo";
	size_t info_len;

	memset(image, 0, sizeof(*image));
	image->wide = wide;
	image->big = big;
	memcpy(image->data, ELFMAG, SELFMAG);
	image->data[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	image->data[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	PUT(image, 0, Ehdr, e_shoff, 64);
	PUT(image, 0, Ehdr, e_shentsize, header_len(image));
	PUT(image, 0, Ehdr, e_shnum, 3);
	PUT(image, 0, Ehdr, e_shstrndx, 1);
	memcpy(image->data + 512, names, sizeof(names));
	info_len = put_info(image->data + 1024, lines);
	PUT(image, header_at(image, 1), Shdr, sh_name, 1);
	PUT(image, header_at(image, 1), Shdr, sh_type, SHT_STRTAB);
	PUT(image, header_at(image, 1), Shdr, sh_offset, 512);
	PUT(image, header_at(image, 1), Shdr, sh_size, sizeof(names));
	PUT(image, header_at(image, 2), Shdr, sh_name, 11);
	PUT(image, header_at(image, 2), Shdr, sh_type, SHT_PROGBITS);
	PUT(image, header_at(image, 2), Shdr, sh_offset, 1024);
	PUT(image, header_at(image, 2), Shdr, sh_size, info_len);
	image->len = 1024 + info_len;
}

static int read_image(const struct image *image, struct ztt_go_build_info *info)
{
	struct ztt_root *root = ztt_root_new_bundle();
	int rc;

	memset(info, 0, sizeof(*info));
	ztt_root_put(root, "/program", image->data, image->len);
	rc = ztt_go_build_info_read(root, "/program", info);
	ztt_root_free(root);
	return rc;
}

static void reads_every_width_and_byte_order(void **state)
{
	struct ztt_go_build_info info;
	struct image image;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		make(&image, i & 1, i & 2, INFO("2026.8.2"));
		assert_int_equal(read_image(&image, &info), 0);
		assert_string_equal(info.go_version, "go1.26.11");
		assert_string_equal(
			info.package,
			"github.com/cloudflare/cloudflared/cmd/cloudflared");
		assert_string_equal(info.main_version, "2026.8.2");
	}
}

static void flags_are_split_as_the_linker_gets_them(void **state)
{
	static const struct {
		const char *line, *version;
	} cases[] = {
		{"build\t-ldflags=-X=main.Version=1.2\n", "1.2"},
		{"build\t-ldflags=--X=main.Version=1.2\n", "1.2"},
		{"build\t-ldflags=\"-s -w -X main.Version=1.2\"\n", "1.2"},
		{"build\t-ldflags=\"-s\\n-X\\tmain.Version=1.2\"\n", "1.2"},
		{"build\t-ldflags=\"-X 'main.Version=1.2' -s\"\n", "1.2"},
		{"build\t-ldflags=\"-X main.Version=1 -X main.Version=2\"\n",
		 "2"},
		{"build\t-ldflags=\"-X a.b/main.Version=1.2\"\n", ""},
		{"build\t-ldflags=\"-X main.Version= -s\"\n", ""},
		{"build\t-ldflags=\"-X \\\"main.Version=a b\\\"\"\n", ""},
		{"build\t-ldflags=\"-X main.Version=a\\u00e9\"\n", ""},
		{"build\t-ldflags=\"-X main.Version="
		 "12345678901234567890123456789012\"\n",
		 ""},
		{"build\t-ldflags=\"-extldflags \\\"-X main.Version=1\\\"\"\n",
		 ""},
		{"build\t-ldflags=\"-X -X main.Version=1\"\n", ""},
		{"build\t-ldflags=\"-X \\\"main.Version=1.2\n", "1.2"},
		{"build\t-ldflags=\"-X\\", ""},
		{"build\t-ldflags=\n", ""},
		{"build\t-trimpath=true\n", ""},
	};
	struct ztt_go_build_info info;
	struct image image;
	char lines[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(lines, sizeof(lines), PATH_LINE "%s\n", cases[i].line);
		make(&image, true, false, lines);
		assert_int_equal(read_image(&image, &info), 0);
		assert_string_equal(info.main_version, cases[i].version);
	}
}

static void what_is_no_go_program_has_none(void **state)
{
	static const char script[] =
		"#!/bin/sh\necho cloudflared version 2026.8.2 and some more\n";
	struct ztt_go_build_info info;
	struct image image;

	(void)state;
	memcpy(image.data, script, sizeof(script));
	image.len = sizeof(script);
	assert_int_equal(read_image(&image, &info), -ENOEXEC);
	image.len = 0;
	assert_int_equal(read_image(&image, &info), -ENOEXEC);
	make(&image, true, false, INFO("1"));
	image.data[512 + 11] = 'x';
	assert_int_equal(read_image(&image, &info), -ENODATA);
	make(&image, true, false, INFO("1"));
	PUT(&image, 0, Ehdr, e_shnum, 0);
	assert_int_equal(read_image(&image, &info), -ENODATA);
}

/* Pointers to strings, as before Go 1.18. */
static void an_old_layout_has_none(void **state)
{
	struct ztt_go_build_info info;
	struct image image;

	(void)state;
	make(&image, true, false, INFO("1"));
	image.data[1024 + 15] = 0;
	assert_int_equal(read_image(&image, &info), -ENODATA);
	assert_string_equal(info.go_version, "");
}

static void what_is_linked_in_before_is_passed_over(void **state)
{
	struct ztt_go_build_info info;
	unsigned char data[1024] = {0};
	size_t len = 48 + put_info(data + 48, INFO("2026.8.2"));

	(void)state;
	assert_int_equal(ztt_go_build_info_parse(data, len, &info), 0);
	assert_string_equal(info.main_version, "2026.8.2");
}

static void every_cut_is_survived(void **state)
{
	struct ztt_go_build_info info;
	struct image image;
	size_t whole;

	(void)state;
	make(&image, true, false, INFO("2026.8.2"));
	for (whole = image.len--; image.len > 0; image.len--)
		assert_int_not_equal(read_image(&image, &info), 0);
	make(&image, false, true, INFO("2026.8.2"));
	whole = image.len;
	for (image.len = 0; image.len < whole; image.len++)
		assert_int_not_equal(read_image(&image, &info), 0);
}

static void hostile_numbers_are_refused(void **state)
{
	struct ztt_go_build_info info;
	struct image image;

	(void)state;
#define REFUSED(at, type, name, value, rc)                       \
	do {                                                     \
		make(&image, true, false, INFO("2026.8.2"));     \
		PUT(&image, at, type, name, value);              \
		assert_int_equal(read_image(&image, &info), rc); \
	} while (0)
	REFUSED(0, Ehdr, e_shoff, UINT64_MAX, -EBADMSG);
	REFUSED(0, Ehdr, e_shoff, INT64_MAX, -EBADMSG);
	REFUSED(0, Ehdr, e_shnum, 0xffff, -EBADMSG);
	REFUSED(0, Ehdr, e_shentsize, 1, -EBADMSG);
	REFUSED(0, Ehdr, e_shstrndx, 3, -EBADMSG);
	REFUSED(header_at(&image, 1), Shdr, sh_size, UINT64_MAX, -EBADMSG);
	REFUSED(header_at(&image, 1), Shdr, sh_offset, UINT64_MAX, -EBADMSG);
	REFUSED(header_at(&image, 2), Shdr, sh_name, 0xffffffff, -ENODATA);
	REFUSED(header_at(&image, 2), Shdr, sh_type, SHT_NOBITS, -ENODATA);
	REFUSED(header_at(&image, 2), Shdr, sh_offset, UINT64_MAX, -ENODATA);
	REFUSED(header_at(&image, 2), Shdr, sh_size, 0, -ENODATA);
	REFUSED(header_at(&image, 2), Shdr, sh_size, UINT64_MAX, 0);
#undef REFUSED
	make(&image, true, false, INFO("2026.8.2"));
	memset(image.data + 1024 + 32, 0xff, 16);
	assert_int_equal(read_image(&image, &info), -EBADMSG);
	make(&image, true, false, INFO("2026.8.2"));
	image.data[EI_CLASS] = 3;
	assert_int_equal(read_image(&image, &info), -EBADMSG);
}

/* What engine.version finds on a copy of a host whose program is `lines`. */
static struct ztt_finding version_of(const char *lines)
{
	struct ztt_finding finding;
	struct test_host host;
	struct image image;
	char full[256];
	FILE *file;

	make(&image, true, false, lines);
	test_host_begin(&host);
	test_host_file(&host, PROGRAM, "", 0755);
	snprintf(full, sizeof(full), "%s" PROGRAM, host.dir);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(image.data, 1, image.len, file), image.len);
	fclose(file);
	finding = test_host_check(&host, ztt_check_engine_version);
	test_host_end(&host);
	return finding;
}

static void a_copied_program_tells_its_version(void **state)
{
	struct ztt_finding finding = version_of(INFO("2099.1.0"));

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_string_equal(finding.observed,
			    "2099.1.0 (build information of " PROGRAM ")");
	finding = version_of(INFO("2020.1.0"));
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed,
			       "2020.1.0 (build information of " PROGRAM
			       "), "));
	finding = version_of(INFO("DEV"));
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
}

static void a_copied_program_without_is_not_run(void **state)
{
	struct ztt_finding finding =
		version_of(PATH_LINE "build\t-trimpath=true\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_SKIP);
	assert_non_null(strstr(finding.observed,
			       "is not run, and its build information "
			       "(go1.26.11) names no version"));
	finding =
		version_of("path\texample.org/other\n" FLAGS_LINE("2026.8.2"));
	assert_int_equal(finding.status, ZTT_STATUS_SKIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_width_and_byte_order),
		cmocka_unit_test(flags_are_split_as_the_linker_gets_them),
		cmocka_unit_test(what_is_no_go_program_has_none),
		cmocka_unit_test(an_old_layout_has_none),
		cmocka_unit_test(what_is_linked_in_before_is_passed_over),
		cmocka_unit_test(every_cut_is_survived),
		cmocka_unit_test(hostile_numbers_are_refused),
		cmocka_unit_test(a_copied_program_tells_its_version),
		cmocka_unit_test(a_copied_program_without_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
