/* Records for journald: fields, and text that would forge some. */
#include "daemon/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct buf
record_of(const struct log_field *fields, const char *line)
{
	const struct log_fact fact = {
		LOG_WARNING, "deferred", fields, "src/x.c", "settle", 7};
	struct buf out;

	buf_init(&out, 0);
	journal_record(&fact, line, &out);
	return out;
}

static void
test_fields(void **state)
{
	struct buf out = record_of(
		LOG_FIELDS(LOG_INT("session", 12), LOG_STR("peer", "shore"),
			LOG_INT("msg", 4711), LOG_INT("n", 2),
			LOG_STR("reply", "451"), LOG_STR("link", "iridium"),
			LOG_STR("account", "ann")),
		"event=deferred");

	(void)state;
	assert_string_equal(buf_z(&out), "MESSAGE=event=deferred\n"
					 "PRIORITY=4\n"
					 "SYSLOG_IDENTIFIER=tidepostd\n"
					 "SYSLOG_FACILITY=2\n"
					 "CODE_FILE=src/x.c\n"
					 "CODE_LINE=7\n"
					 "CODE_FUNC=settle\n"
					 "TIDEPOST_EVENT=deferred\n"
					 "TIDEPOST_SESSION=12\n"
					 "TIDEPOST_PEER=shore\n"
					 "TIDEPOST_MESSAGE=4711\n"
					 "TIDEPOST_LINK=iridium\n"
					 "TIDEPOST_ACCOUNT=ann\n"
					 "TIDEPOST_DELIVERY=4711.2\n");
	buf_free(&out);
}

/* What a stranger chose may have line ends: its length stands before it. */
static void
test_forged(void **state)
{
	static const char value[] = "TIDEPOST_PEER\n"
				    "\x0d\0\0\0\0\0\0\0"
				    "x\nPRIORITY=0\n\n";
	struct buf out = record_of(
		LOG_FIELDS(LOG_STR("peer", "x\nPRIORITY=0\n")), "event=x");
	struct str all = buf_view(&out);

	(void)state;
	assert_true(all.n > sizeof(value));
	assert_memory_equal(
		all.p + all.n - (sizeof(value) - 1), value, sizeof(value) - 1);
	buf_free(&out);
}

static void
test_bounds(void **state)
{
	enum { MANY = 200, LONG = 5000 };
	struct log_field fields[MANY + 1] = {0};
	char *line = malloc(JOURNAL_LINE_MAX + LONG);
	struct buf out;

	(void)state;
	memset(line, 'x', JOURNAL_LINE_MAX + LONG);
	line[JOURNAL_LINE_MAX + LONG - 1] = '\0';
	for (size_t i = 0; i < MANY; i++)
		fields[i] = (struct log_field){"peer", line, LONG, 0};
	out = record_of(fields, line);
	assert_true(out.len <= JOURNAL_RECORD_MAX);
	assert_true(out.len > JOURNAL_LINE_MAX);
	buf_free(&out);
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
