/*
 * What a daemon that was taken over may send its helper: nothing is run that
 * the configuration does not name.
 */
#include "daemon/helper_permit.h"
#include "tests/fuzz/fuzz.h"

static struct conf_link links[] = {
	{.name = (char[]){"hf"},
		.dial_up = (char[]){"pon hf"},
		.dial_down = (char[]){"poff hf"}},
	{.name = (char[]){"vsat"}, .probe_command = (char[]){"which-link"}},
};
static struct conf_peer peers[] = {
	{.name = (char[]){"far"}, .command = (char[]){"call far"}},
};
static struct conf_route routes[] = {
	{.match = (char[]){"u.example"},
		.command = (char[]){"uux - u!rmail ({})"},
		.format = FORMAT_RMAIL},
	{.match = (char[]){"b.example"}, .command = (char[]){"nncp {}"}},
};
static const struct conf conf = {
	.hooks = (char[]){"/hooks"},
	.links = links,
	.links_n = 2,
	.peers = peers,
	.peers_n = 1,
	.routes = routes,
	.routes_n = 2,
};

static bool
is_named(const char *command)
{
	static const char *const all[] = {
		"pon hf", "poff hf", "which-link", "call far", "nncp {}"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(command, all[i]) == 0)
			return true;
	return false;
}

/* All that a shell would read of it beyond the template is in quotes. */
static bool
is_filled_in(const char *command)
{
	static const char begins[] = "uux - u!rmail ";
	bool quoted = false;

	if (strncmp(command, begins, sizeof(begins) - 1) != 0)
		return false;
	for (const char *p = command + sizeof(begins) - 1; *p; p++) {
		if (*p == '\'')
			quoted = !quoted;
		else if (!quoted && p[0] == '\\' && p[1] == '\'')
			p++;
		else if (!quoted && *p != ' ' && *p != '(' && *p != ')' &&
			 *p != '{' && *p != '}')
			return false;
	}
	return !quoted;
}

static bool
is_hook(const char *command)
{
	return strncmp(command, "/hooks/", 7) == 0 &&
	       !strstr(command, "/../") && strstr(command, ".d/") &&
	       !strchr(strstr(command, ".d/") + 3, '/');
}

static void
check_same(const struct helper_request *q, const uint8_t *data, size_t size)
{
	struct buf out;
	struct err e;

	buf_init(&out, 0);
	FUZZ_CHECK(helper_request_write(q, &out, &e) == OK);
	FUZZ_CHECK(out.len == size);
	FUZZ_CHECK(memcmp(buf_view(&out).p, data, size) == 0);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct permits permits = {.conf = &conf};
	struct permit permit = {.command = NULL};
	struct helper_request q;
	struct err e = {0};

	if (helper_request_read(
		    (struct str){(const char *)data, size}, &q, &e) != OK) {
		FUZZ_CHECK(e.text[0]);
		return 0;
	}
	check_same(&q, data, size);
	if (permits_look(&permits, &q, &permit, &e) == OK)
		FUZZ_CHECK(q.kind == HELPER_HOOK
				   ? is_hook(permit.command)
				   : is_named(permit.command) ||
					     is_filled_in(permit.command));
	else
		FUZZ_CHECK(e.text[0] && !permit.command);
	free(permit.command);
	helper_request_clear(&q);
	return 0;
}
