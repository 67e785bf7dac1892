/* A station's daily message: one line, folded where it is the subject. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/report.h"

#include <stdlib.h>
#include <string.h>

static struct buf
compose(struct str line, const char *date)
{
	struct buf out;

	buf_init(&out, 0);
	report_compose(&(struct report_letter){.hostname = "aurora.example.org",
			       .to = "ops@shore.example",
			       .date = date,
			       .id = 4711,
			       .line = line},
		&out);
	return out;
}

static void
test_whole(void **state)
{
	struct buf out = compose(STR("aurora.example.org tidepost=0.1.0 "
				     "out=5/49050 oldest=7200s held=0 "
				     "in=0/0 disk=12000000000 clock=ok"),
		"Tue, 1 Dec 2026 06:00:00 +0000");

	(void)state;
	assert_string_equal(buf_z(&out),
		"From: Mail system <postmaster@aurora.example.org>\r\n"
		"To: <ops@shore.example>\r\n"
		"Subject: aurora.example.org tidepost=0.1.0 out=5/49050 "
		"oldest=7200s held=0\r\n"
		" in=0/0 disk=12000000000 clock=ok\r\n"
		"Date: Tue, 1 Dec 2026 06:00:00 +0000\r\n"
		"Message-ID: <report.4711@aurora.example.org>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"\r\n"
		"aurora.example.org tidepost=0.1.0 out=5/49050 oldest=7200s "
		"held=0 in=0/0 disk=12000000000 clock=ok\r\n");
	buf_free(&out);
}

/* Many links: whole words, no line above the limit. */
static void
test_long(void **state)
{
	struct buf line, out;
	struct str rest;

	(void)state;
	buf_init(&line, 0);
	buf_addz(&line, "a");
	for (int i = 0; i < 500; i++)
		buf_addf(&line, " word=%d", i);
	out = compose(buf_view(&line), "");
	for (rest = buf_view(&out); rest.n;)
		assert_true(str_cut(rest, '\n', &rest).n <= 999);
	assert_null(strstr(buf_z(&out), "Date:"));
	assert_non_null(strstr(buf_z(&out), " word=111\r\n"));
	assert_null(strstr(buf_z(&out), " word=112"));
	buf_free(&line);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
