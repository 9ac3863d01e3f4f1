#define _GNU_SOURCE
#include "ztt-doctor/engine/elf_section.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/root.h"

#define SECTIONS_MAX 512
#define NAMES_BYTES_MAX ((size_t)64 * 1024)

struct file {
	const struct ztt_root *root;
	const char *path;
	bool wide, big; /* 64 bit, big-endian */
};

struct section {
	uint64_t offset, len_bytes;
};

static uint64_t number(const struct file *file, const unsigned char *at,
		       size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[file->big ? i : len - 1 - i];
	return value;
}

/* A field of an ELF structure that has the same name in both widths. */
#define FIELD(file, at, type, name)                                       \
	((file)->wide ? number(file, (at) + offsetof(Elf64_##type, name), \
			       sizeof(((Elf64_##type *)0)->name))         \
		      : number(file, (at) + offsetof(Elf32_##type, name), \
			       sizeof(((Elf32_##type *)0)->name)))

static int read_exactly(const struct file *file, uint64_t offset, void *buf,
			size_t len_bytes)
{
	ssize_t got = ztt_root_read_at(file->root, file->path, offset, buf,
				       len_bytes);

	if (got < 0)
		return (int)got;
	return (size_t)got == len_bytes ? 0 : -EBADMSG;
}

static int read_header(struct file *file,
		       unsigned char head[sizeof(Elf64_Ehdr)])
{
	ssize_t got = ztt_root_read_at(file->root, file->path, 0, head,
				       sizeof(Elf64_Ehdr));

	if (got < 0)
		return (int)got;
	if ((size_t)got < sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG))
		return -ENOEXEC;
	file->wide = head[EI_CLASS] == ELFCLASS64;
	file->big = head[EI_DATA] == ELFDATA2MSB;
	if ((!file->wide && head[EI_CLASS] != ELFCLASS32) ||
	    (!file->big && head[EI_DATA] != ELFDATA2LSB) ||
	    (file->wide && (size_t)got < sizeof(Elf64_Ehdr)))
		return -EBADMSG;
	return 0;
}

/* The names of all sections, NUL-terminated whatever the file says. */
static int read_names(const struct file *file, const unsigned char *header,
		      char **ret_names, size_t *ret_len)
{
	uint64_t len = FIELD(file, header, Shdr, sh_size);
	char *names;
	int rc;

	if (len > NAMES_BYTES_MAX)
		return -EBADMSG;
	names = ztt_alloc((size_t)len + 1);
	rc = read_exactly(file, FIELD(file, header, Shdr, sh_offset), names,
			  (size_t)len);
	if (rc < 0) {
		free(names);
		return rc;
	}
	names[len] = 0;
	*ret_names = names;
	*ret_len = (size_t)len;
	return 0;
}

static int search(const struct file *file, const char *wanted,
		  const unsigned char *table, size_t count, size_t entry_len,
		  size_t names_index, struct section *ret_section)
{
	size_t names_len;
	char *names;
	int rc = read_names(file, table + names_index * entry_len, &names,
			    &names_len);

	if (rc < 0)
		return rc;
	rc = -ENODATA;
	for (size_t i = 0; i < count && rc == -ENODATA; i++) {
		const unsigned char *at = table + i * entry_len;
		uint64_t name = FIELD(file, at, Shdr, sh_name);

		if (name >= names_len || strcmp(names + name, wanted) != 0 ||
		    FIELD(file, at, Shdr, sh_type) == SHT_NOBITS)
			continue;
		ret_section->offset = FIELD(file, at, Shdr, sh_offset);
		ret_section->len_bytes = FIELD(file, at, Shdr, sh_size);
		rc = 0;
	}
	free(names);
	return rc;
}

static int find_section(struct file *file, const char *name,
			struct section *ret_section)
{
	unsigned char head[sizeof(Elf64_Ehdr)] = {0}, *table;
	size_t count, entry_len, names_index;
	int rc = read_header(file, head);

	if (rc < 0)
		return rc;
	count = FIELD(file, head, Ehdr, e_shnum);
	entry_len = FIELD(file, head, Ehdr, e_shentsize);
	names_index = FIELD(file, head, Ehdr, e_shstrndx);
	if (count == 0)
		return -ENODATA;
	if (count > SECTIONS_MAX || names_index >= count ||
	    entry_len != (file->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return -EBADMSG;
	table = ztt_alloc(count * entry_len);
	rc = read_exactly(file, FIELD(file, head, Ehdr, e_shoff), table,
			  count * entry_len);
	if (rc == 0)
		rc = search(file, name, table, count, entry_len, names_index,
			    ret_section);
	free(table);
	return rc;
}

int ztt_elf_section_load(const struct ztt_root *root, const char *path,
			 const char *name, size_t max_bytes,
			 unsigned char **ret_data, size_t *ret_len)
{
	struct file file = {.root = root, .path = path};
	struct section section = {0, 0};
	unsigned char *data;
	ssize_t got;
	int rc = find_section(&file, name, &section);

	if (rc < 0)
		return rc;
	if (section.len_bytes < max_bytes)
		max_bytes = (size_t)section.len_bytes;
	data = ztt_alloc(max_bytes);
	got = ztt_root_read_at(root, path, section.offset, data, max_bytes);
	if (got < 0) {
		free(data);
		return (int)got;
	}
	*ret_data = data;
	*ret_len = (size_t)got;
	return 0;
}
