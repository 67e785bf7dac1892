/*
 * An aliases file of any octets: nothing may crash, what is refused says why,
 * and what is taken can be followed from every name, within the limit.
 */
#include "tests/fuzz/fuzz.h"

#include "conf/aliases_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char a_domain[] = "a.example", b_domain[] = "b.example";
static char *domains[] = {a_domain, b_domain};
static char separators[] = "+", hostname[] = "host.example";

static void
follow(const struct conf *c, const char *name)
{
	char *text = strchr(name, '@') ? str_dupz(name)
				       : str_printf("%s@b.example", name);
	struct alias_list list;
	struct mailbox m;
	struct err e = {0};

	if (address_parse(str_of(text), true, &m)) {
		aliases_expand(c, &m, true, &list, &e);
		FUZZ_CHECK(list.n <= c->limits.alias_addresses);
		for (size_t i = 0; i < list.n; i++)
			FUZZ_CHECK(mailbox_domain(&list.v[i].mailbox).n);
		for (size_t i = 0; i < list.n; i++)
			FUZZ_CHECK(list.v[i].owner <= list.owners_n);
		for (size_t i = 0; i < list.owners_n; i++)
			FUZZ_CHECK(aliases_has(c, &list.owners[i]));
		alias_list_free(&list);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("aliases", MFD_CLOEXEC);
	struct complaints out = {.n = 0};
	struct place at = {.line = 1};
	char file[64];
	struct conf c = {
		.hostname = hostname,
		.limits.alias_addresses = 50,
		.local = {.domains = {.v = domains, .n = 2},
			.separators = separators,
			.aliases = file},
	};

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	aliases_load(&c, &at, &out);
	close(fd);
	for (size_t i = 0; i < out.n; i++)
		FUZZ_CHECK(out.v[i].text[0]);
	for (size_t i = 0; c.local.alias_table && out.errors == 0 &&
			   i < c.local.alias_table->n;
		i++)
		follow(&c, c.local.alias_table->v[i].name);
	aliases_free(c.local.alias_table);
	for (size_t i = 0; i < c.alias_files.n; i++)
		free(c.alias_files.v[i]);
	free(c.alias_files.v);
	complaints_free(&out);
	return 0;
}
