/* An archive of any octets: each member that is taken is a plain file whose
 * name leads downwards, all of it within the archive. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "cli/tar.c"

static void
check_name(const char *name)
{
	size_t n = strlen(name);

	FUZZ_CHECK(n > 0 && n <= TAR_NAME_MAX);
	FUZZ_CHECK(name[0] != '/' && name[n - 1] != '/');
	FUZZ_CHECK(!strstr(name, "//") && !strstr(name, "/../"));
	FUZZ_CHECK(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0);
	FUZZ_CHECK(n < 3 || strcmp(name + n - 3, "/..") != 0);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK((unsigned char)name[i] >= ' ');
}

static void
check_member(const struct tar_member *m, uint64_t at, size_t size)
{
	check_name(m->name);
	FUZZ_CHECK((m->mode & ~(unsigned)TAR_MODE) == 0);
	FUZZ_CHECK(m->at == at + TAR_BLOCK);
	FUZZ_CHECK(m->next >= m->at + m->size && m->next <= size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_member m = {.next = 0};
	struct err e;
	int fd = memfd_create("archive", 0);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	for (uint64_t at = 0; tar_read(fd, at, &m, &e) == OK; at = m.next)
		check_member(&m, at, size);
	close(fd);
	return 0;
}
