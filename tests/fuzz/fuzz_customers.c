/*
 * An import file of any octets: every line is taken or complained of, and what
 * was taken says the same when it is written and read again.
 */
#include "tests/fuzz/fuzz.h"

#include "cli/account_settings.c"
#include "cli/args.c"
#include "cli/customer_file.c"
#include "faces/request.c"
#include "base/utf8.c"

static char *
list_of(const struct spool_settings *s)
{
	struct buf lines;
	char *text;

	buf_init(&lines, 0);
	for (size_t i = 0; i < s->list_n; i++)
		buf_addf(&lines, "%s%s", i ? "\n" : "", s->list[i]);
	text = str_dup(buf_view(&lines));
	buf_free(&lines);
	return text;
}

static void
format_all(const struct spool_import *m, struct buf *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct spool_import_entry *entry = &m->v[i];
		struct spool_account a = {.kind = ACCOUNT_CUSTOMER};
		char *list = list_of(&entry->settings);

		FUZZ_CHECK(entry->line > 0);
		FUZZ_CHECK(str_copyz(a.name, sizeof(a.name), entry->name));
		spool_settings_apply(&entry->settings, &a);
		a.verifier = entry->verifier;
		a.next = entry->next;
		customer_file_format(&a, list, out);
		spool_account_clear(&a);
		free(list);
	}
}

static void
check_again(const struct spool_import *m)
{
	struct spool_import again = {0};
	struct buf first, second;

	buf_init(&first, 0);
	buf_init(&second, 0);
	format_all(m, &first);
	customer_file_parse(buf_view(&first), false, &again);
	FUZZ_CHECK(again.wrong_n == 0);
	FUZZ_CHECK(again.n == m->n);
	format_all(&again, &second);
	FUZZ_CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_free(&first);
	buf_free(&second);
	spool_import_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_import m = {0};

	customer_file_parse((struct str){(const char *)data, size}, false, &m);
	spool_import_check(&m);
	for (size_t i = 0; i < m.wrong_n; i++)
		FUZZ_CHECK(m.wrong[i].text[0] && m.wrong[i].line > 0);
	if (m.wrong_n == 0)
		check_again(&m);
	spool_import_free(&m);
	return 0;
}
