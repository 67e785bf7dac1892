#include "mail/authres.h"
#include "mail/header.h"

#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const names[] = {"mx.provider.example", "front"};

/* -1: not ours, 0: no pass, 1: pass */
static int
parse(const char *value)
{
	bool pass;

	if (!authres_parse(
		    str_of(value), names, 2, STR("sub.far.example"), &pass))
		return -1;
	return pass;
}

static void
test_pass(void **state)
{
	static const char *const values[] = {
		" mx.provider.example; spf=pass",
		"MX.Provider.Example;dkim=PASS header.d=SUB.far.example\r\n",
		" front 1; dmarc=pass header.from=far.example",
		" front;\r\n\tspf=fail smtp.mailfrom=a@b;\r\n\tdkim=pass (ok)"
		" header.d=far.example (x) header.i=@other.example",
		" (a (nested) note) \"front\" (v) 1 (;) ; spf (x) / 1 = pass",
		" front; spf=fail reason=\"a;dkim=fail\"; dmarc=pass"
		" header.from=sub.far.example;",
		" front; dkim=pass header.i=@far.example header.b=\"x/y=\"",
		" front; none; spf=pass",
		" front; spf=pass smtp.mailfrom=\"a b;@x\"@sub.far.example",
		" front; spf=pass smtp.mailfrom=<a@sub.far.example>",
		" front; spf=pass smtp.helo=x smtp.mailfrom = sub.far.example",
		" front; dkim=pass header.d=bulk.example;"
		" dkim=pass header.d=far.example",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (parse(values[i]) != 1)
			fail_msg("no pass: %s", values[i]);
}

static void
test_no_pass(void **state)
{
	static const char *const values[] = {
		" front",
		" front; none",
		" front; spf=fail",
		" front; spf=passed",
		" front; auth=pass smtp.auth=x",
		" front; iprev=pass",
		" front 2; spf=pass",
		" front; spf/2=pass",
		" front; spf=fail (dkim=pass)",
		/* what passed is somebody else's */
		" front; dkim=pass header.d=evil.example",
		" front; dkim=pass header.d=xfar.example",
		" front; dkim=pass header.d=example",
		" front; dkim=pass header.d=host.sub.far.example",
		" front; dkim=pass header.d=evil.example header.d=far.example",
		" front; dkim=pass header.b=header.d=far.example",
		" front; dkim=pass (header.d=far.example)",
		" front; dkim=pass reason=\"header.d=far.example\"",
		" front; dkim=pass",
		" front; dmarc=pass",
		" front; dmarc=pass header.from=evil.example",
		" front; spf=pass smtp.mailfrom=a@far.example",
		" front; spf=pass smtp.mailfrom=evil.example",
		" front; spf=pass smtp.helo=sub.far.example",
		(" front; spf=pass smtp.mailfrom=a@evil.example;"
		 " dkim=fail header.d=far.example"),
		" front; spf=fail reason=\"; dkim=pass\"",
		" front; spf=fail smtp.mailfrom=\"a; dkim=pass",
		" front; spf=pass (no end",
		" front; (spf=pass",
		" front; spf=pass; =x",
		" front; spf pass",
		" front spf=pass",
		" front; spf=\001pass",
		" front; =pass; spf=pass",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (parse(values[i]) != 0)
			fail_msg("%d: %s", parse(values[i]), values[i]);
}

static void
test_others(void **state)
{
	static const char *const values[] = {
		"",
		"  ",
		"; spf=pass",
		" other.example; spf=pass",
		" front.example; spf=pass",
		" (front; spf=pass) other; spf=pass",
		" other (front; spf=pass); spf=pass",
		" (",
		" \"front",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (parse(values[i]) != -1)
			fail_msg("%d: %s", parse(values[i]), values[i]);
}

static bool
scan(const char *message, size_t step)
{
	struct str rest = str_of(message);
	struct header_scan h;
	struct authres a;
	bool pass;

	header_scan_init(&h);
	authres_init(&a, names, 2, STR("sub.far.example"));
	h.authres = &a;
	while (rest.n) {
		size_t n = step < rest.n ? step : rest.n;

		header_scan_feed(&h, (struct str){rest.p, n});
		rest = str_skip(rest, n);
	}
	authres_end(&a);
	pass = a.pass;
	authres_free(&a);
	return pass;
}

static void
check_scan(const char *message, bool pass)
{
	for (size_t step = 1; step <= strlen(message); step++)
		if (scan(message, step) != pass)
			fail_msg("in steps of %zu: %s", step, message);
}

static void
test_stream(void **state)
{
	(void)state;
	check_scan("Subject: x\r\nAuthentication-Results: front;\r\n"
		   " spf=pass\r\nTo: y\r\n\r\nbody\r\n",
		true);
	check_scan("authentication-results : other; spf=fail\r\n"
		   "Authentication-Results: front; spf=pass\r\n\r\n",
		true);
	/* the first of ours counts, whatever stands below it */
	check_scan("Authentication-Results: front; spf=fail\r\n"
		   "Authentication-Results: front; spf=pass\r\n\r\n",
		false);
	check_scan("X-Authentication-Results: front; spf=pass\r\n\r\n", false);
	check_scan("Subject: x\r\n\r\n"
		   "Authentication-Results: front; spf=pass\r\n",
		false);
	check_scan("Authentication-Results: front; spf=pass", true);
}

static void
test_too_long(void **state)
{
	static char text[AUTHRES_VALUE_MAX + 200];
	const char *head = "Authentication-Results: front; spf=pass (";

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, head, strlen(head));
	strcpy(text + sizeof(text) - 5, ")\r\n");
	assert_false(scan(text, 1000));
	text[AUTHRES_VALUE_MAX - 100] = '\0';
	strcpy(text + AUTHRES_VALUE_MAX - 110, ")\r\n");
	assert_true(scan(text, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_no_pass),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
