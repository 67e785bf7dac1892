/*
 * Fills a spool for the tests of the console, always with the same octets:
 *
 *	fill URL small NOW	a little of everything
 *	fill URL many NOW N	N messages that wait
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "spool/queue.h"
#include "spool/records.h"

enum { HOUR = 3600, DAY = 86400, BATCH = 500, OWNER = 7 };

struct filler {
	struct spool *spool;
	int64_t now;
	int64_t from, to; /* of a batch */
};

static void
must(enum err_code code, const struct err *e)
{
	if (code == OK)
		return;
	fprintf(stderr, "fill: %s\n", e->text);
	exit(1);
}

static void
run(struct filler *f, spool_fn *fn)
{
	struct err e = {0};

	must(spool_write(f->spool, fn, f, &e), &e);
}

struct mail {
	int64_t id, age;
	const char *from, *to, *route, *body;
	int priority;
	uint64_t size; /* blanks behind BODY; 0: none */
};

static enum err_code
add(struct spool_txn *t, const struct filler *f, const struct mail *l,
	struct err *e)
{
	size_t n = strlen(l->body);
	struct spool_message m = {.id = l->id,
		.received_at = f->now - l->age,
		.size = l->size > n ? l->size : n,
		.priority = l->priority};
	struct spool_delivery d[2] = {0};
	char *body = xcalloc(1, m.size + 1);
	size_t rcpts = 0;
	struct str rest = str_of(l->to);
	enum err_code code;

	memset(body, ' ', m.size);
	memcpy(body, l->body, n);
	str_copyz(m.sender, sizeof(m.sender), l->from);
	str_copyz(m.received_from, sizeof(m.received_from),
		"bridge.lan [192.0.2.7]");
	while (rest.n && rcpts < 2) {
		struct spool_delivery *x = &d[rcpts++];

		x->state = SPOOL_READY;
		x->priority = l->priority;
		x->queued_at = m.received_at;
		str_copyz(x->route, sizeof(x->route), l->route);
		str_copy(x->recipient, sizeof(x->recipient),
			str_cut(rest, ' ', &rest));
	}
	code = spool_body_append(t, m.id, (struct str){body, m.size}, e);
	if (code == OK)
		code = spool_message_add(t, &m, d, rcpts, e);
	free(body);
	return code;
}

/* --- a little of everything --- */

#define LETTER(subject, text)                                                  \
	"From: <ann@aurora.example.org>\r\nTo: <ben@shore.example>\r\n"        \
	"Subject: " subject "\r\nDate: Sat, 01 Mar 2031 00:00:00 +0000\r\n"    \
	"\r\n" text "\r\n"

static const char parts[] =
	"From: =?UTF-8?B?w4VzYSDDhg==?= <asa@aurora.example.org>\r\n"
	"To: <ben@shore.example>\r\n"
	"Subject: =?ISO-8859-1?Q?Gr=FC=DFe?=\r\n =?UTF-8?Q?_von_Bord?=\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n"
	"--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n"
	"--b2\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"Wind=FCberall=20=\r\nund See.\r\n> quoted\r\n\ttabbed\r\n"
	"--b2\r\nContent-Type: text/html\r\n\r\n<p>not seen</p>\r\n--b2--\r\n"
	"--b1\r\nContent-Type: application/pdf; name=\"list of stores.pdf\"\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b1--\r\n";

static const struct mail letters[] = {
	{1, 30 * HOUR, "ann@aurora.example.org", "ben@shore.example", "*",
		LETTER("letter", "Fair winds."), 0, 0},
	{2, 9 * HOUR, "mate@aurora.example.org", "office@owner.example", "*",
		LETTER("noon report", "All well."), 0, 48000},
	{3, 5 * HOUR, "crew@aurora.example.org",
		"list@shore.example eve@shore.example", "*",
		LETTER("photo", "See the photo."), -5, 2400000},
	{4, 2 * HOUR, "captain@aurora.example.org",
		"\xe5\x8c\xbb\xe7\x94\x9f@\xe7\x97\x85\xe9\x99\xa2.example",
		"*", LETTER("URGENT: doctor", "Fever since Friday."), 8, 0},
	{5, 30 * 60, "\"\x1b[2J\x1b]0;evil\x07\"@far.example",
		"\"\xe2\x80\xaetxt.\xc2\x9b"
		"31m\"@shore.example",
		"*",
		LETTER("\x1b[31mred\x1b[0m \xe2\x80\xae"
		       "desrever\r\nX-\x9b: 1",
			"\x1b[2J\x1b[H\x9b"
			"2Jcleared? \x07\x08\x0e"
			"\r\n\xff\xfe not UTF-8"),
		0, 0},
	{6, 20 * 60, "", "ann@aurora.example.org", "local",
		LETTER("notice", "It was delivered."), 0, 0},
	{7, 10 * 60, "asa@aurora.example.org", "ben@shore.example", "*", parts,
		0, 0},
	{8, 5 * 60, "shop@far.example", "cat@kestrel.example",
		"customer:kestrel", LETTER("order", "Two sails."), 0, 90000},
};

static enum err_code
add_letters(struct spool_txn *t, void *arg, struct err *e)
{
	enum err_code code = spool_route_reason_put(
		t, "*", REASON_LINK_DOWN, "iridium or vsat", e);

	for (size_t i = 0; code == OK && i < sizeof(letters) / sizeof(*letters);
		i++)
		code = add(t, arg, &letters[i], e);
	if (code == OK)
		code = spool_route_reason_put(t, "customer:kestrel",
			REASON_CUSTOMER_CALL, "kestrel", e);
	return code;
}

/* The second is refused for now; the most urgent goes first otherwise. */
static enum err_code
defer_one(struct spool_txn *t, void *arg, struct err *e)
{
	const struct filler *f = arg;
	struct spool_filter which = {.id = 2};
	struct spool_row *rows = NULL;
	size_t n;
	struct spool_outcome o = {.message = 2,
		.n = 1,
		.owner = OWNER,
		.kind = OUTCOME_DEFERRED,
		.now = f->now - HOUR,
		.next_attempt = f->now + 25 * 60,
		.reason = REASON_PEER_4XX,
		.text = "451 4.3.0 mailbox busy",
		.peer = "shore",
		.link = "iridium"};
	enum err_code code =
		spool_claim_rows(t, OWNER, &which, 1, &rows, &n, e);

	free(rows);
	return code == OK ? spool_outcome(t, &o, e) : code;
}

static enum err_code
act(struct spool_txn *t, const struct filler *f, enum spool_action_kind kind,
	int64_t id, unsigned n, struct err *e)
{
	struct spool_action a = {.kind = kind,
		.filter = {.id = id, .n = n},
		.now = f->now - HOUR,
		.keep_until = f->now + 6 * DAY,
		.who = "user cook"};

	return spool_act(t, &a, NULL, e);
}

static enum err_code
add_others(struct spool_txn *t, void *arg, struct err *e)
{
	static char domains[] = "kestrel.example\nferry.example";
	const struct filler *f = arg;
	struct spool_account a = {.name = "kestrel",
		.kind = ACCOUNT_CUSTOMER,
		.domains = domains,
		.quota = 100000,
		.last_call = f->now - 14 * HOUR,
		.last_result = "ok, 3 messages"};
	struct spool_link l = {.name = "iridium", .since = f->now - 13 * HOUR};
	enum err_code code = act(t, f, ACTION_HOLD, 3, 1, e);

	if (code == OK)
		code = act(t, f, ACTION_DELETE, 3, 2, e);
	if (code == OK)
		code = spool_account_add(t, &a, e);
	if (code == OK)
		code = spool_link_put(t, &l, e);
	for (int64_t i = 6; code == OK && i > 0; i--) {
		struct spool_session s = {.link = "iridium",
			.peer = "shore",
			.started = f->now - i * 17 * HOUR,
			.ended = f->now - i * 17 * HOUR + 60 * i,
			.bytes_sent = (uint64_t)(20000 * i),
			.bytes_received = 7000,
			.messages_sent = (unsigned)i,
			.messages_received = 1,
			.cost = 1.5 * (double)i,
			.result = "ok"};

		code = spool_session_add(t, &s, e);
	}
	return code;
}

/* --- many --- */

static enum err_code
add_batch(struct spool_txn *t, void *arg, struct err *e)
{
	const struct filler *f = arg;
	enum err_code code = OK;

	for (int64_t i = f->from; code == OK && i < f->to; i++) {
		char from[64], to[64];
		struct mail m = {.id = i + 1,
			.age = 90000 - i % 90000,
			.from = from,
			.to = to,
			.route = "*",
			.body = LETTER("one of many", "So be it."),
			.priority = (int)(i % 5) - 2};

		snprintf(from, sizeof(from), "s%d@far.example", (int)(i % 997));
		snprintf(to, sizeof(to), "u%" PRId64 "@shore.example", i);
		code = add(t, f, &m, e);
	}
	return code;
}

int
main(int argc, char **argv)
{
	struct filler f = {.now = argc > 3 ? atoll(argv[3]) : 0};
	struct spool_options o = {.create = true, .daemon = true};
	struct err e = {0};

	if (argc < 4) {
		fputs("usage: fill URL small|many NOW [N]\n", stderr);
		return 64;
	}
	o.url = argv[1];
	must(spool_open(&o, &f.spool, &e), &e);
	if (strcmp(argv[2], "small") == 0) {
		run(&f, add_letters);
		run(&f, defer_one);
		run(&f, add_others);
	} else {
		int64_t n = argc > 4 ? atoll(argv[4]) : 0;

		for (f.from = 0; f.from < n; f.from += BATCH) {
			f.to = f.from + BATCH < n ? f.from + BATCH : n;
			run(&f, add_batch);
		}
	}
	spool_close(f.spool);
	return 0;
}
