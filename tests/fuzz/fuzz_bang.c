/*
 * Addresses of UUCP and the lines "From " in front of a message: what comes of
 * them can stand in an envelope, and goes back and forth. Lines are those of
 * the input; then the whole is a path.
 */
#include <string.h>

#include "mail/bang.h"
#include "tests/fuzz/fuzz.h"

static void
check_address(const char *address)
{
	char again[WIRE_MAILBOX_MAX + 1];
	struct mailbox m;
	const char *why;
	struct buf path;

	FUZZ_CHECK(address[0]);
	FUZZ_CHECK(!strpbrk(address, "\r\n"));
	if (!strchr(address, '@')) { /* a name of this host */
		FUZZ_CHECK(!strpbrk(address, "<> "));
		return;
	}
	FUZZ_CHECK(address_parse(str_of(address), true, &m));
	buf_init(&path, 0);
	if (bang_from_address(address, &path))
		FUZZ_CHECK(
			bang_to_address(buf_view(&path), true, again, &why) &&
			strcmp(again, address) == 0);
	buf_free(&path);
}

static void
check_path(struct str path)
{
	char address[WIRE_MAILBOX_MAX + 1];
	const char *why = NULL;

	for (int sender = 0; sender < 2; sender++)
		if (bang_to_address(path, sender, address, &why))
			check_address(address);
		else
			FUZZ_CHECK(why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct bang_lines lines = {.n = 0};
	bool cut = false;

	check_path(rest);
	while (rest.n && !cut) {
		struct str line = str_cut(rest, '\n', &rest);

		if (!bang_take_line(&lines, line, &cut))
			break;
		FUZZ_CHECK(strlen(lines.path) <= BANG_PATH_MAX);
	}
	if (!cut)
		check_path(str_of(lines.path));
	return 0;
}
