/* Files of aliases: what they become, and what is wrong with them. */
#include "conf/testing.h"

#include "conf/aliases.h"

struct aliased {
	char *file, *text;
	struct conf *c;
	struct complaints out;
};

/* Two local domains and an aliases file of TEXT. */
static void
load(struct aliased *a, const char *text, const char *more)
{
	a->file = testing_file(text, strlen(text));
	a->text = str_printf("hostname = \"host.example\";\n"
			     "local = { domains = [ \"a.example\", "
			     "\"b.example\" ];\n"
			     "  deliver = \"maildir:/m/{user}\";\n"
			     "  aliases = \"%s\"; };\n%s",
		a->file, more);
	testing_load(a->text, &a->c, &a->out);
}

static void
unload(struct aliased *a)
{
	conf_free(a->c);
	complaints_free(&a->out);
	testing_remove(a->file);
	free(a->text);
}

/* Its addresses with blanks between them; "" it is no alias. */
static void
assert_becomes(const struct aliased *a, const char *address, const char *want)
{
	struct alias_list list;
	struct mailbox m;
	struct err e = {0};
	struct buf got;

	memset(&m, 0, sizeof(m));
	if (strchr(address, '@')) {
		assert_true(address_parse(str_of(address), true, &m));
	} else {
		str_copyz(m.text, sizeof(m.text), address);
		m.local_n = (uint16_t)strlen(address);
	}
	buf_init(&got, 0);
	assert_int_equal(aliases_expand(a->c, &m, true, &list, &e),
		want[0] ? OK : ERR_NOTFOUND);
	assert_int_equal(aliases_has(a->c, &m), want[0] != '\0');
	for (size_t i = 0; i < list.n; i++)
		buf_addf(&got, "%s%s", i ? " " : "", list.v[i].mailbox.text);
	assert_string_equal(buf_z(&got), want);
	buf_free(&got);
	alias_list_free(&list);
}

static void
test_lists(void **state)
{
	char *inner =
		testing_file("# of the crew\ndan,\neve@far.example\n", 34);
	char *text = str_printf("# names\n"
				"postmaster: ann\n"
				"\n"
				"Crew: ann, bob,\r\n"
				"\t\"carl jones\" ,\n"
				"# in between\n"
				"  :include:%s\n"
				"all: crew, Crew, zoe\n"
				"ann: \\ann, ann@shore.example\n"
				"bob@b.example: eve@far.example\n"
				"self: self, other\n"
				"\"the boss\": <ann@a.example>\n",
		inner);
	struct aliased a;

	(void)state;
	load(&a, text, "");
	assert_int_equal(a.out.n, 0);
	assert_non_null(a.c);
	assert_becomes(&a, "ann@a.example", "ann@a.example ann@shore.example");
	assert_becomes(&a, "ANN@B.example", "ann@B.example ann@shore.example");
	assert_becomes(&a, "crew+x@a.example",
		"ann@a.example ann@shore.example bob@a.example "
		"\"carl jones\"@a.example dan@a.example eve@far.example");
	assert_becomes(&a, "self@b.example", "self@b.example other@b.example");
	assert_becomes(&a, "bob@b.example", "eve@far.example");
	assert_becomes(&a, "bob@a.example", "");
	assert_becomes(&a, "\"the boss\"@a.example",
		"ann@a.example ann@shore.example");
	assert_becomes(&a, "Postmaster", "ann@a.example ann@shore.example");
	assert_becomes(&a, "postmaster@host.example",
		"ann@a.example ann@shore.example");
	assert_becomes(&a, "postmaster@far.example", "");
	assert_becomes(&a, "ann@far.example", "");
	unload(&a);
	testing_remove(inner);
	free(text);
}

static void
test_wrong(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *want;
	} cases[] = {
		{"a: b\nb: c, a\n", 1, 1,
			"alias a: a comes back to itself, by b"},
		{"x: |/bin/cat\n", 1, 4,
			"alias x: no program is run for an alias; name a mailbox, and see local.deliver = \"pipe:...\""},
		{"x: a,\n  \"|/bin/cat x\"\n", 2, 3,
			"alias x: no program is run for an alias; name a mailbox, and see local.deliver = \"pipe:...\""},
		{"x: /var/mail/x\n", 1, 4,
			"alias x: no file is written for an alias; name a mailbox, and see local.deliver = \"mbox:...\""},
		{"x: b\n\nX: c\n", 3, 1,
			"alias x stands here twice, first in line 1"},
		{"x:\n", 1, 1,
			"alias x stands for nobody: its mail would be lost"},
		{"x: a@@b\n", 1, 4, "alias x: a@@b is no address and no name"},
		{"x: b c\n", 1, 4, "alias x: b c is no address and no name"},
		{"x y\n", 1, 1,
			"this should be NAME: ADDRESS, ADDRESS...; a line that goes on with a list begins with a blank"},
		{"  x: y\n  z\na: b\n", 1, 1,
			"no alias stands before this: a line that begins with a blank goes on with a list"},
		{"# x\n\ty\n", 2, 1,
			"no alias stands before this: a line that begins with a blank goes on with a list"},
		{"x: :include:rel\n", 1, 13,
			":include: wants a path that begins with /"},
		{"x: :include:/nowhere/x\n", 1, 13,
			"local.aliases: /nowhere/x: there is no such file"},
		{"x: :include:/dev\n", 1, 13,
			"local.aliases: /dev: is not a regular file"},
		{"x: a, b, c, d\n", 1, 1,
			"alias x: it becomes more than 3 addresses (limits.alias_addresses)"},
		{"x: y, y\ny: z, z\n", 1, 1,
			"alias x: it becomes more than 3 addresses (limits.alias_addresses)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct aliased a;

		load(&a, cases[i].text, "limits = { alias_addresses = 3; };\n");
		assert_null(a.c);
		assert_true(a.out.n >= 1);
		assert_string_equal(a.out.v[0].text, cases[i].want);
		assert_int_equal(a.out.v[0].line, cases[i].line);
		assert_int_equal(a.out.v[0].column, cases[i].column);
		unload(&a);
	}
}

static void
test_no_effect(void **state)
{
	struct aliased a;

	(void)state;
	load(&a, "x@far.example: b\n", "");
	assert_non_null(a.c);
	assert_int_equal(a.out.n, 1);
	assert_string_equal(a.out.v[0].text,
		"alias x@far.example has no effect: far.example is not in "
		"local.domains");
	unload(&a);
	load(&a, "", "");
	assert_non_null(a.c);
	assert_int_equal(a.out.n, 0);
	assert_becomes(&a, "ann@a.example", "");
	unload(&a);
}

/* A text as some editors write it, and octets that are none. */
static void
test_odd_octets(void **state)
{
	static const char nul[] = "b: c\nx: :include:/dev\0/null\n d\0\n";
	char *file = testing_file(nul, sizeof(nul) - 1);
	char *text = str_printf("hostname = \"host.example\";\n"
				"local = { domains = \"a.example\";\n"
				"  deliver = \"maildir:/m/{user}\";\n"
				"  aliases = \"%s\"; };\n",
		file);
	struct complaints out;
	struct aliased a;
	struct conf *c;

	(void)state;
	load(&a,
		"\xEF\xBB\xBF"
		"ann: bob\r\n",
		"");
	assert_int_equal(a.out.n, 0);
	assert_becomes(&a, "ann@a.example", "bob@a.example");
	unload(&a);
	testing_load(text, &c, &out);
	assert_null(c);
	assert_int_equal(out.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(
			out.v[i].text, "there is a NUL octet in this line");
		assert_int_equal(out.v[i].line, 2 + i);
	}
	complaints_free(&out);
	testing_remove(file);
	free(text);
}

/* KIND, then "ADDRESS" or "ADDRESS:OWNER" with blanks between. */
static void
assert_expands(const struct aliased *a, const char *address, bool lists,
	enum alias_kind kind, const char *want)
{
	struct alias_list l;
	struct mailbox m;
	struct err e = {0};
	struct buf got;

	assert_true(address_parse(str_of(address), true, &m));
	assert_int_equal(aliases_expand(a->c, &m, lists, &l, &e), OK);
	assert_int_equal(l.kind, kind);
	buf_init(&got, 0);
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&got, "%s%s%s%s", i ? " " : "", l.v[i].mailbox.text,
			l.v[i].owner ? ":" : "",
			l.v[i].owner ? l.owners[l.v[i].owner - 1].text : "");
	assert_string_equal(buf_z(&got), want);
	buf_free(&got);
	alias_list_free(&l);
}

static void
test_owners(void **state)
{
	struct aliased a;

	(void)state;
	load(&a,
		"crew: ann, bob\n"
		"owner-crew: carl, eve@far.example\n"
		"officers: crew, dan\n"
		"OWNER-officers: ann\n"
		"one: single\n"
		"single: zoe@far.example\n"
		"way: crew\n"
		"many: crew, zoe\n"
		"own@b.example: ann\n"
		"owner-own@b.example: bob\n"
		"\"the \\\"boss\": ann, bob\n"
		"\"owner-the \\\"boss\": ann\n"
		"owner-gone: ann\n"
		"solo: ann\n"
		"owner-solo: solo\n",
		"");
	assert_int_equal(a.out.n, 1);
	assert_string_equal(a.out.v[0].text,
		"alias owner-solo leads to the list solo itself: what fails "
		"would be told to all of it");
	assert_int_equal(a.out.v[0].line, 15);
	assert_non_null(a.c);
	assert_expands(&a, "crew+x@A.example", true, ALIAS_LIST,
		"ann@A.example:owner-crew@A.example "
		"bob@A.example:owner-crew@A.example");
	assert_expands(&a, "crew@a.example", false, ALIAS_MANY,
		"ann@a.example bob@a.example");
	assert_expands(&a, "officers@a.example", true, ALIAS_LIST,
		"ann@a.example:owner-crew@a.example "
		"bob@a.example:owner-crew@a.example "
		"dan@a.example:owner-officers@a.example");
	assert_expands(&a, "one@a.example", true, ALIAS_ONE, "zoe@far.example");
	assert_expands(&a, "way@a.example", true, ALIAS_LIST,
		"ann@a.example:owner-crew@a.example "
		"bob@a.example:owner-crew@a.example");
	assert_expands(&a, "many@a.example", true, ALIAS_MANY,
		"ann@a.example:owner-crew@a.example "
		"bob@a.example:owner-crew@a.example zoe@a.example");
	assert_expands(&a, "own@b.example", true, ALIAS_LIST,
		"ann@b.example:owner-own@b.example");
	assert_expands(&a, "\"the \\\"boss\"@a.example", true, ALIAS_LIST,
		"ann@a.example:\"owner-the \\\"boss\"@a.example "
		"bob@a.example:\"owner-the \\\"boss\"@a.example");
	assert_expands(&a, "solo@a.example", true, ALIAS_LIST,
		"ann@a.example:owner-solo@a.example");
	assert_expands(
		&a, "owner-gone@a.example", true, ALIAS_ONE, "ann@a.example");
	unload(&a);
}

/* An owner whose name is too long for a local part can be no alias. */
static void
test_long_owner(void **state)
{
	char name[WIRE_LOCAL_PART_MAX + 1], *text, *address;
	struct aliased a;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	text = str_printf("%s: ann, bob\n", name);
	address = str_printf("%s@a.example", name);
	load(&a, text, "");
	assert_non_null(a.c);
	assert_expands(
		&a, address, true, ALIAS_MANY, "ann@a.example bob@a.example");
	unload(&a);
	free(address);
	free(text);
}

/* What else is wrong does not matter to them. */
static void
test_no_hostname(void **state)
{
	char *file = testing_file("x: postmaster@far.example\n", 26);
	char *text = str_printf(
		"local = { domains = \"a.example\"; aliases = \"%s\"; };\n",
		file);
	struct complaints out;
	struct conf *c;

	(void)state;
	testing_load(text, &c, &out);
	assert_null(c);
	complaints_free(&out);
	testing_remove(file);
	free(text);
}

/* Files that include each other, and aliases one behind the other. */
static void
test_deep(void **state)
{
	char *file = testing_file("", 0);
	char *text = str_printf("x: :include:%s\n", file);
	FILE *f = fopen(file, "w");
	struct aliased a;
	struct buf chain;

	(void)state;
	fprintf(f, ":include:%s\n", file);
	fclose(f);
	load(&a, text, "");
	assert_null(a.c);
	assert_non_null(strstr(a.out.v[0].text, "or one that includes itself"));
	unload(&a);
	buf_init(&chain, 0);
	for (int i = 0; i < 40; i++)
		buf_addf(&chain, "a%d: a%d\n", i, i + 1);
	load(&a, buf_z(&chain), "");
	assert_null(a.c);
	assert_string_equal(a.out.v[0].text,
		"alias a0: more than 30 aliases behind each other");
	unload(&a);
	buf_free(&chain);
	testing_remove(file);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_no_effect),
		cmocka_unit_test(test_odd_octets),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_long_owner),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_no_hostname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
