#include "mail/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct dsn_recipient failed = {
	.address = "bob@example.net",
	.orcpt = "rfc822;Bob+40example.net",
	.status = "5.1.1",
	.reply = "550 5.1.1 no\r\nSuch: user",
	.peer = "mail.example.net",
	.log_id = "4711.1",
	.last_attempt = 1800000000,
};

static struct dsn
notice_of(const struct dsn_recipient *r, size_t n)
{
	return (struct dsn){.hostname = "aurora.example.org",
		.to = "anna@aurora.example.org",
		.envid = "",
		.date = "Mon, 2 Mar 2026 06:00:00 +0000",
		.arrival = "Sun, 1 Mar 2026 06:00:00 +0000",
		.received_from = "laptop [192.168.7.9]",
		.notice_id = 4712,
		.recipients = r,
		.recipients_n = n,
		.header = STR("Subject: hello\r\n\r\nbody\r\n")};
}

static const char *
compose(const struct dsn *d)
{
	static struct buf b;

	buf_free(&b);
	dsn_compose(d, &b);
	return buf_z(&b);
}

static void
assert_says(const char *z, const char *what)
{
	if (!strstr(z, what))
		fail_msg("\"%s\" is not in\n%s", what, z);
}

static void
assert_silent(const char *z, const char *what)
{
	if (strstr(z, what))
		fail_msg("\"%s\" is in\n%s", what, z);
}

static void
test_failed(void **state)
{
	const struct dsn_recipient r[] = {
		failed, {.address = "carol@example.net",
				.orcpt = "",
				.status = "5.4.7",
				.reply = "tried on 5 days",
				.peer = "",
				.log_id = "4711.2",
				.retry_until = 1}};
	struct dsn d = notice_of(r, 2);
	const char *z;

	(void)state;
	d.envid = "QQ+3D1";
	z = compose(&d);
	assert_says(z, "Subject: Not delivered: hello\r\n");
	assert_says(z, "report-type=delivery-status");
	assert_says(z, "\r\nAuto-Submitted: auto-replied\r\n");
	assert_says(z, "Reporting-MTA: dns; aurora.example.org\r\n"
		       "Original-Envelope-Id: QQ=1\r\n"
		       "Received-From-MTA: dns; laptop\r\n"
		       "Arrival-Date: Sun, 1 Mar 2026 06:00:00 +0000\r\n\r\n");
	assert_says(z, "Original-Recipient: rfc822; Bob@example.net\r\n"
		       "Final-Recipient: rfc822; bob@example.net\r\n"
		       "Action: failed\r\nStatus: 5.1.1\r\n"
		       "Remote-MTA: dns; mail.example.net\r\n"
		       "Diagnostic-Code: smtp; 550 5.1.1 no  Such: user\r\n"
		       "Last-Attempt-Date: ");
	assert_says(z, "\r\nFinal-Log-ID: 4711.1\r\n\r\n"
		       "Final-Recipient: rfc822; carol@example.net\r\n"
		       "Action: failed\r\nStatus: 5.4.7\r\n"
		       "Diagnostic-Code: x-tidepost; tried on 5 days\r\n"
		       "Final-Log-ID: 4711.2\r\n");
	assert_says(z, "text/rfc822-headers\r\n\r\nSubject: hello\r\n\r\n--=_");
	assert_says(z, "mail.example.net said: 550 5.1.1 no");
	assert_says(z, "Reason: tried on 5 days");
	assert_says(z, "There is no such address there.");
	assert_says(z, "It is not tried any more. Send it again");
	assert_silent(z, "Will-Retry-Until"); /* RFC 3464 2.3.9 */
	assert_silent(z, "\r\nSuch: user");   /* it stays on its line */
	assert_silent(z, "body\r\n");
	assert_silent(z, "8bit");
}

static void
test_other_actions(void **state)
{
	static const struct {
		enum dsn_action action;
		const char *subject, *field, *words;
	} rows[] = {
		{DSN_DELAYED, "Subject: Delayed: hello\r\n",
			"Action: delayed\r\n", "you need not send it again."},
		{DSN_DELIVERED, "Subject: Delivered: hello\r\n",
			"Action: delivered\r\n", "was delivered to:"},
		{DSN_RELAYED, "Subject: Passed on: hello\r\n",
			"Action: relayed\r\n", "to a system that reports"},
		{DSN_EXPANDED, "Subject: Sent to a list: hello\r\n",
			"Action: expanded\r\n", "all addresses behind"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn_recipient r = failed;
		struct dsn d = notice_of(&r, 1);
		const char *z;

		r.action = rows[i].action;
		r.retry_until = 1800086400;
		z = compose(&d);
		assert_says(z, rows[i].subject);
		assert_says(z, rows[i].field);
		assert_says(z, rows[i].words);
		assert_silent(z, "could not be delivered");
		assert_silent(z, "There is no such address");
		if (r.action == DSN_DELAYED)
			assert_says(z, "\r\nWill-Retry-Until: ");
		else
			assert_silent(z, "Will-Retry-Until");
	}
}

/* One reason for all that it holds for, and the worst names the whole. */
static void
test_groups(void **state)
{
	struct dsn_recipient r[] = {failed, failed, failed, failed};
	struct dsn d = notice_of(r, 4);
	const char *z, *first;

	(void)state;
	r[1].action = DSN_DELIVERED;
	r[2].address = "eve@example.net";
	r[3].reply = "550 5.1.1 other words";
	z = compose(&d);
	assert_says(z, "Subject: Not delivered:");
	assert_says(z, "  bob@example.net\r\n  eve@example.net\r\n\r\n  mail.");
	first = strstr(z, "  There is no such address");
	assert_non_null(first);
	assert_says(first + 1, "  There is no such address");
	assert_null(strstr(strstr(first + 1, "  There is") + 1, "  There is"));
}

/* Subjects and ids of the original are put into our header, with care. */
static void
test_header(void **state)
{
	static const struct {
		const char *header, *says;
	} rows[] = {
		{"", "Subject: Not delivered: your message\r\nDate"},
		{"Subject:\r\n", "Subject: Not delivered: your message\r\n"},
		{"Subject: a\r\n b\r\n\tc\r\n", "delivered: a b c\r\nDate"},
		{"Subject: =?utf-8?Q?=C3=A4?=\r\n",
			"delivered: =?utf-8?Q?=C3=A4?=\r\n"},
		{"Subject: gr\xc3\xbc\xc3\x9f"
		 "e\r\n",
			"delivered:\r\n =?utf-8?B?Z3LDvMOfZQ==?=\r\n"},
		{"Subject: \xff\r\n", "delivered: ?\r\n"},
		{"Subject: a\rX: y\r\n", "delivered: a X: y\r\n"},
		{"Message-ID: <1@x>\r\n",
			"In-Reply-To: <1@x>\r\nReferences: <1@x>\r\nAuto"},
		{"Message-ID:\r\n <1@x> (odd)\r\n", "In-Reply-To: <1@x>\r\n"},
		{"Message-ID: <1@x\r\n", "example.org>\r\nAuto"},
		{"Message-ID: <1 @x>\r\n", "example.org>\r\nAuto"},
		{"Message-ID: 1@x\r\n", "example.org>\r\nAuto"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn d = notice_of(&failed, 1);

		d.header = str_of(rows[i].header);
		assert_says(compose(&d), rows[i].says);
	}
}

/* What a message is known by comes back, however much stands before it. */
static void
test_long_header(void **state)
{
	struct dsn d = notice_of(&failed, 1);
	struct buf header;
	const char *z;

	(void)state;
	buf_init(&header, 0);
	for (int i = 0; i < 500; i++)
		buf_addf(&header, "Received: from host%d\r\n\tfor one\r\n", i);
	buf_addz(&header, "X-Last: y\r\nSubject: known\r\nTo: you");
	d.header = buf_view(&header);
	z = compose(&d);
	assert_says(z, "Received: from host0\r\n\tfor one\r\n");
	assert_says(z, "\r\nSubject: known\r\nTo: you\r\n\r\n--");
	assert_silent(z, "host499");
	assert_true(strlen(z) < DSN_HEADER_MAX + 2500);
	buf_free(&header);
}

/* 7 bit and decodable, whatever the original holds. */
static void
test_odd_header(void **state)
{
	struct dsn d = notice_of(&failed, 1);
	char line[2000];
	const char *z;

	(void)state;
	d.header = STR("X: \xe4\r\nSubject: a\r\n\r\n");
	z = compose(&d);
	assert_says(z, "text/rfc822-headers\r\n"
		       "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		       "X: =E4\r\nSubject: a\r\n");
	memset(line, 'x', sizeof(line));
	memcpy(line, "X: ", 3);
	d.header = (struct str){line, sizeof(line)};
	assert_says(compose(&d), "quoted-printable\r\n\r\nX: xxx");
	d.header = STR("X: \0\rb\nY: z\r\n");
	assert_says(compose(&d), "X: =00=0Db=0AY: z\r\n");
}

static void
test_boundary_collides(void **state)
{
	struct dsn d = notice_of(&failed, 1);
	const char *z;

	(void)state;
	d.header = STR("A: b\r\n--=_4712.0--\r\n--=_4712.1\r\n");
	z = compose(&d);
	assert_says(z, "boundary=\"=_4712.2\"");
	assert_says(z, "\r\n\r\n--=_4712.2--\r\n");
}

/* RFC 6533: 7 bit to an ASCII sender, 8 bit to another. */
static void
test_utf8(void **state)
{
	struct dsn_recipient r = failed;
	struct dsn d = notice_of(&r, 1);
	const char *z;

	(void)state;
	r.address = "j\xc3\xb6rg@example.net";
	r.orcpt = "utf-8;j\\x{F6}rg@example.net";
	r.reply = "550 5.1.1 <j\xc3\xb6rg> \xff";
	d.utf8 = true;
	z = compose(&d);
	assert_silent(z, "\xc3");
	assert_says(z, "message/global-delivery-status\r\n"
		       "Content-Transfer-Encoding: quoted-printable\r\n");
	assert_says(z, "Final-Recipient: utf-8; j=C3=B6rg@example.net\r\n");
	assert_says(z, "Original-Recipient: utf-8; j=C3=B6rg@example.net\r\n");
	assert_says(z, "message/global-headers\r\n\r\nSubject");
	d.to = "\xc3\xa4nna@example.org";
	assert_true(dsn_is_utf8(d.to));
	z = compose(&d);
	assert_says(z, "To: <\xc3\xa4nna@example.org>\r\n");
	assert_says(z, "Content-Transfer-Encoding: 8bit\r\n");
	assert_says(z, "Final-Recipient: utf-8; j\xc3\xb6rg@example.net\r\n");
	assert_says(z, "smtp; 550 5.1.1 <j\xc3\xb6rg> ?\r\n");
	/* an ASCII report has the 7-bit form, which forges nothing */
	r.address = "jorg@example.net";
	r.orcpt = "utf-8;j\\x{F6}\\x{D}\\x{A}rg@example.net";
	z = compose(&d);
	assert_says(z, "Content-Type: message/delivery-status");
	assert_says(z, "utf-8; j\\x{F6}\\x{D}\\x{A}rg@example.net\r\n");
}

/* Octets that a sender chose are no lines of the report. */
static void
test_forged(void **state)
{
	struct dsn_recipient r = failed;
	struct dsn d = notice_of(&r, 1);
	const char *z;

	(void)state;
	r.orcpt = "rfc822;a+0D+0AAction: delivered";
	d.envid = "x+0D+0AReporting-MTA: y";
	d.received_from = "evil\r\nX: y [192.0.2.1]";
	z = compose(&d);
	assert_silent(z, "\nAction: delivered");
	assert_silent(z, "\nReporting-MTA: y");
	assert_silent(z, "\nX: y");
	r.address = "\xc3\xa4@example.net";
	r.orcpt = "utf-8;a\\x{D}\\x{A}Action: delivered\\x{110000}\\x{";
	z = compose(&d);
	assert_silent(z, "\nAction: delivered");
}

static void
test_whole(void **state)
{
	struct dsn d = notice_of(&failed, 1);
	const char *z;

	(void)state;
	d.whole = d.header = STR("Subject: gr\xc3\xbc\r\n\r\nb\xc3\xb6\r\n");
	z = compose(&d);
	assert_says(z, "message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"
		       "\r\nSubject: gr\xc3\xbc\r\n\r\nb\xc3\xb6\r\n\r\n--");
	assert_says(z, "comes back with this notice");
	d.utf8 = true; /* message/global may be encoded */
	z = compose(&d);
	assert_says(z, "message/global\r\n"
		       "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		       "Subject: gr=C3=BC\r\n\r\nb=C3=B6\r\n\r\n--");
}

/* Several messages in one notice: each is named, and its header comes back. */
static void
test_joined(void **state)
{
	const struct str more[] = {
		STR("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: then\r\n"
		    "Message-ID: <2@x>\r\nX: \xe4\r\n\r\n"),
		STR("--=_4712-0\r\nA: b\r\n")};
	struct dsn_recipient r[] = {failed, failed, failed};
	struct dsn d = notice_of(r, 3);
	const char *z;

	(void)state;
	r[1].message = 1;
	r[2].message = 2;
	d.more = more;
	d.more_n = 2;
	z = compose(&d);
	assert_says(z, "Subject: Not delivered: 3 messages\r\n");
	assert_says(
		z, "  bob@example.net\r\n    \"Gr=C3=BC=C3=9Fe\", then\r\n");
	assert_says(z, "Content-Type: multipart/mixed;\r\n"
		       "\tboundary=\"=_4712-1\"\r\n\r\n--=_4712-1\r\n"
		       "Content-Type: text/rfc822-headers\r\n\r\n"
		       "Subject: hello\r\n\r\n--=_4712-1\r\n");
	assert_says(z, "X: =E4\r\n\r\n--=_4712-1\r\n");
	assert_says(z, "\r\n--=_4712-1--\r\n\r\n--=_4712.0--\r\n");
	assert_says(z, "\r\nX-Original-Message-ID: <2@x>\r\n");
	assert_silent(z, "In-Reply-To");
}

static void
test_the_times_that_were_given(void **state)
{
	struct dsn_recipient r = {.action = DSN_FAILED,
		.address = "b@c.example",
		.orcpt = "",
		.status = "5.4.7",
		.reply = "late",
		.peer = "",
		.log_id = "1.1"};
	struct dsn d = notice_of(&r, 1);

	(void)state;
	assert_null(strstr(compose(&d), "Deliver-By-Date"));
	d.deliver_by = "Sun, 1 Mar 2026 07:00:00 +0000";
	d.hold = "for;600";
	assert_non_null(strstr(compose(&d),
		"Deliver-By-Date: Sun, 1 Mar 2026 07:00:00 +0000\r\n"
		"Future-Release-Request: for;600\r\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_times_that_were_given),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_other_actions),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_odd_header),
		cmocka_unit_test(test_boundary_collides),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
