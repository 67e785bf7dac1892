/*
 * The client machine against the server machine, over two pipes in memory that
 * carry octets in pieces of random size (fixed seeds). All that is sent must
 * arrive once, unchanged, and be told as what it was; and where the pipes are
 * cut, what the server took is done or in doubt, and nothing else is.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/client.h"
#include "smtp/sasl.h"
#include "smtp/server.h"

enum {
	MESSAGES = 20,
	RECIPIENTS_MAX = 300,
	BODY_MAX = 70000,
	ROUNDS_MAX = 2000000, /* of one session: it must come to an end */
};

struct pipe {
	struct buf octets;
};

struct side {
	struct machine *m;
	struct pipe *in, *out;
};

/* What one message is, on both sides, and what became of it. */
struct parcel {
	size_t recipients;
	bool refused; /* at MAIL */
	int data_code, final_code;
	struct buf body;
	size_t told;	/* EV_RCPT_REPLY so far */
	size_t body_at; /* octets given to the client machine */
	bool withdrawn;
	bool done;   /* EV_DONE came */
	size_t took; /* times that the server said 250 to its end */
};

struct bench {
	uint64_t luck;
	struct pipe up, down; /* to the server, to the client */
	struct smtp_client *client;
	struct smtp_server *server;
	struct side c, s;
	const char *atrn; /* at the end, instead of QUIT */
	bool turned;

	struct parcel parcels[MESSAGES];
	size_t sent, done, flying_most;
	bool withdraws; /* now and then */
	bool failed;
	size_t serving;	   /* the parcel that the server is at */
	size_t rcpt_asked; /* EV_RCPT of it so far */
	struct buf arrived;
	size_t deliveries;

	struct verifier verifier;
	struct sasl_server *sasl;
	size_t logins;
};

static uint64_t
luck(struct bench *b, uint64_t below)
{
	b->luck ^= b->luck << 13;
	b->luck ^= b->luck >> 7;
	b->luck ^= b->luck << 17;
	return b->luck % below;
}

/* --- what is sent --------------------------------------------------------- */

static bool
is_taken(size_t recipient)
{
	return recipient % 3 != 1;
}

static void
make_body(struct bench *b, struct buf *body)
{
	size_t n = luck(b, luck(b, 4) ? 500 : BODY_MAX);

	buf_clear(body);
	while (body->len < n) {
		static const char *const lines[] = {
			".", "..", "", "a line", ".dot", "QUIT"};

		buf_addf(body, "%s\r\n", lines[luck(b, 6)]);
	}
}

static void
make_parcel(struct bench *b, struct parcel *p)
{
	struct buf body = p->body;

	make_body(b, &body);
	*p = (struct parcel){.body = body};
	p->recipients = 1 + luck(b, luck(b, 5) ? 5 : RECIPIENTS_MAX);
	p->refused = luck(b, 8) == 0;
	p->data_code = luck(b, 8) ? 354 : 451;
	p->final_code = luck(b, 4) ? 250 : 554;
}

static void
send_next(struct bench *b)
{
	static struct mailbox to[RECIPIENTS_MAX];
	static struct rcpt_params params[RECIPIENTS_MAX];
	struct parcel *p = &b->parcels[b->sent];
	struct smtp_mail mail = {.recipients = to, .rcpt_params = params};

	make_parcel(b, p);
	for (size_t i = 0; i < p->recipients; i++)
		snprintf(to[i].text, sizeof(to[i].text), "r%zu@y.example", i);
	snprintf(mail.sender.text, sizeof(mail.sender.text), "%zu@x.example",
		b->sent);
	mail.recipients_n = p->recipients;
	mail.size_bytes = p->body.len;
	mail.tag = b->sent;
	mail.patient = luck(b, 6) == 0;
	b->sent++;
	if (b->sent - b->done > b->flying_most)
		b->flying_most = b->sent - b->done;
	smtp_client_send(b->client, &mail);
}

/* --- the server's host ---------------------------------------------------- */

static void
say(struct bench *b, int code, const char *text)
{
	struct reply r;

	reply_set(&r, code, "", "%s", text);
	machine_answer(b->s.m, &r);
}

static bool
look_up(void *arg, const char *name, struct verifier_pair *pair_r)
{
	pair_r->present = *(const struct verifier *)arg;
	return strcmp(name, "ann") == 0;
}

static void
authenticate(struct bench *b, const struct smtp_event *e)
{
	struct buf line;
	enum sasl_step step;

	if (e->kind == EV_AUTH_START) {
		char mech[40];

		str_copy(mech, sizeof(mech), e->text);
		b->sasl =
			sasl_server_new(mech, "h", NULL, look_up, &b->verifier);
		assert_non_null(b->sasl);
	}
	buf_init(&line, 0);
	step = sasl_server_step(b->sasl, e->data, &line);
	if (step == SASL_MORE)
		say(b, 334, buf_z(&line));
	else
		say(b, step == SASL_OK ? 235 : 535, "so");
	b->logins += step == SASL_OK;
	if (step != SASL_MORE) {
		sasl_server_free(b->sasl);
		b->sasl = NULL;
	}
	buf_free(&line);
}

static void
mail_asked(struct bench *b, const struct smtp_event *e)
{
	b->serving = (size_t)strtoul(e->mailbox->text, NULL, 10);
	assert_true(b->serving < b->sent);
	b->rcpt_asked = 0;
	say(b, b->parcels[b->serving].refused ? 550 : 250, "mail");
}

static void
body_ended(struct bench *b)
{
	struct parcel *p = &b->parcels[b->serving];

	assert_true(str_eq(buf_view(&b->arrived), buf_view(&p->body)));
	b->deliveries++;
	p->took += p->final_code == 250;
	say(b, p->final_code, "final");
}

static void
server_event(struct bench *b, const struct smtp_event *e)
{
	const struct parcel *p = &b->parcels[b->serving];

	switch (e->kind) {
	case EV_AUTH_START:
	case EV_AUTH_DATA:
		authenticate(b, e);
		break;
	case EV_MAIL:
		mail_asked(b, e);
		break;
	case EV_RCPT:
		say(b, is_taken(b->rcpt_asked++) ? 250 : 550, "rcpt");
		break;
	case EV_DATA:
		buf_clear(&b->arrived);
		say(b, p->data_code, "data");
		break;
	case EV_BODY:
		buf_adds(&b->arrived, e->data);
		break;
	case EV_BODY_END:
		body_ended(b);
		break;
	case EV_ATRN:
		assert_true(str_eq(e->text, str_of(b->atrn)));
		say(b, 250, "turn");
		break;
	case EV_REFUSED:
		/* Only what a flight brings in the wake of a refusal. */
		assert_true(e->reply->code / 10 == 50 || e->reply->code == 554);
		break;
	default:
		break;
	}
}

/* --- the client's host ---------------------------------------------------- */

static bool
is_any_taken(const struct parcel *p)
{
	bool taken = false;

	for (size_t i = 0; i < p->recipients; i++)
		taken |= is_taken(i);
	return taken && !p->refused;
}

static void
check_done(struct bench *b, const struct smtp_event *e)
{
	struct parcel *p = &b->parcels[b->done];
	bool chunked = smtp_client_extensions(b->client) & EXT_CHUNKING;

	assert_int_equal(e->tag, b->done);
	assert_int_equal(p->told, p->refused ? 0 : p->recipients);
	if (!is_any_taken(p)) {
		assert_true(e->early);
		assert_int_equal(e->reply->code, 550);
	} else if (p->data_code != 354 && !p->withdrawn) {
		/* To BDAT it is the reply to a chunk, perhaps the last. */
		assert_true(e->early || chunked);
		assert_int_equal(e->reply->code, 451);
	} else if (p->withdrawn) {
		assert_true(e->early);
		assert_int_equal(e->reply->code, 451);
	} else {
		assert_false(e->early);
		assert_int_equal(e->reply->code, p->final_code);
	}
	assert_int_equal(p->took, reply_class(e->reply) == 2);
	p->done = true;
	b->done++;
}

static void
client_event(struct bench *b, const struct smtp_event *e)
{
	struct parcel *p = &b->parcels[b->done];

	switch (e->kind) {
	case EV_MAIL_REPLY:
		assert_int_equal(e->tag, b->done);
		assert_int_equal(e->reply->code, p->refused ? 550 : 250);
		break;
	case EV_RCPT_REPLY:
		assert_int_equal(e->tag, b->done);
		assert_int_equal(e->index, p->told);
		assert_int_equal(
			e->reply->code, is_taken(e->index) ? 250 : 550);
		p->told++;
		break;
	case EV_DONE:
		check_done(b, e);
		break;
	case EV_TURNED:
		b->turned = true;
		break;
	case EV_FAILED:
		if (e->fail != FAIL_CLOSED)
			fail_msg("failed: %.*s", STR_FMT(e->text));
		b->failed = true;
		break;
	default:
		break;
	}
}

static void
give_body(struct bench *b)
{
	struct parcel *p = &b->parcels[b->sent - 1];
	struct str body = str_skip(buf_view(&p->body), p->body_at);
	size_t n = 1 + luck(b, 9000);

	if (b->withdraws && luck(b, 9) == 0 && smtp_client_withdraw(b->client))
		p->withdrawn = true;
	if (n < body.n)
		body.n = n;
	p->body_at += smtp_client_body(b->client, body);
}

static void
client_work(struct bench *b)
{
	switch (machine_want(b->c.m)) {
	case WANT_MORE:
		if (b->sent < MESSAGES && luck(b, 3))
			send_next(b);
		break;
	case WANT_WORK:
		assert_int_equal(b->sent, b->done);
		if (b->sent < MESSAGES)
			send_next(b);
		else if (b->atrn)
			smtp_client_atrn(b->client, b->atrn);
		else
			smtp_client_quit(b->client);
		break;
	case WANT_BODY:
		give_body(b);
		break;
	default:
		break;
	}
}

/* --- the two together ----------------------------------------------------- */

/* Moves some octets in and out of one machine. True: something happened. */
static bool
step(struct bench *b, struct side *side,
	void (*tell)(struct bench *b, const struct smtp_event *e))
{
	struct smtp_event e;
	struct str in = buf_view(&side->in->octets), out;
	bool moved = false;
	size_t n;

	if (in.n > 0) {
		n = 1 + luck(b, luck(b, 2) ? in.n : 7);
		in.n = n < in.n ? n : in.n;
		n = machine_feed(side->m, in);
		buf_consume(&side->in->octets, n);
		moved |= n > 0;
	}
	while (machine_next(side->m, &e)) {
		tell(b, &e);
		moved = true;
	}
	out = machine_out(side->m);
	if (out.n > 0) {
		n = 1 + luck(b, luck(b, 2) ? out.n : 7);
		n = n < out.n ? n : out.n;
		buf_add(&side->out->octets, out.p, n);
		machine_sent(side->m, n);
		moved = true;
	}
	return moved;
}

static bool
is_over(struct bench *b)
{
	enum want end = b->atrn ? WANT_TURN : WANT_CLOSE;

	return machine_want(b->c.m) == end && machine_want(b->s.m) == end &&
	       machine_out(b->c.m).n == 0 && machine_out(b->s.m).n == 0;
}

static void
run(struct bench *b)
{
	size_t rounds = 0;

	while (!is_over(b)) {
		assert_true(rounds++ < ROUNDS_MAX);
		step(b, &b->c, client_event);
		client_work(b);
		step(b, &b->s, server_event);
	}
	assert_int_equal(b->done, MESSAGES);
	assert_int_equal(b->up.octets.len, 0);
	assert_int_equal(b->down.octets.len, 0);
}

static void
start(struct bench *b, const struct smtp_client_conf *cc,
	const struct smtp_server_conf *sc)
{
	b->client = smtp_client_new(cc, 0);
	b->server = smtp_server_new(sc, 0);
	b->c = (struct side){smtp_client_machine(b->client), &b->down, &b->up};
	b->s = (struct side){smtp_server_machine(b->server), &b->up, &b->down};
	b->sent = b->done = b->deliveries = b->flying_most = 0;
	b->failed = false;
}

static void
stop(struct bench *b)
{
	machine_free(b->c.m);
	machine_free(b->s.m);
}

static void
free_bench(struct bench *b)
{
	buf_free(&b->up.octets);
	buf_free(&b->down.octets);
	for (size_t i = 0; i < MESSAGES; i++)
		buf_free(&b->parcels[i].body);
	buf_free(&b->arrived);
}

static const struct smtp_server_conf server_conf = {
	.hostname = "shore.example",
	.recipients_max = 1000,
	.line_max = 998,
	.command_timeout_ms = 300000,
	.data_timeout_ms = 180000,
	.mechs_tls = "",
	.mechs_clear = "",
};

static const struct smtp_client_conf client_conf = {
	.hostname = "aurora.example",
	.stall_ms = 300000,
	.final_ms = 600000,
	.turn_ms = 600000,
};

static const unsigned sets[] = {
	0,
	EXT_PIPELINING | EXT_SIZE,
	EXT_CHUNKING,
	EXT_CHUNKING | EXT_PIPELINING | EXT_8BITMIME | EXT_DSN |
		EXT_ENHANCEDSTATUSCODES,
};

static void
test_extensions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 16; seed++) {
		struct smtp_server_conf sc = server_conf;
		struct smtp_client_conf cc = client_conf;
		struct bench b = {.luck = seed * 7919};

		sc.extensions = sets[seed % 4];
		cc.chunk_bytes = seed % 3 ? 0 : 700;
		start(&b, &cc, &sc);
		run(&b);
		assert_true(b.deliveries > 0);
		assert_int_equal(b.flying_most, 1);
		stop(&b);
		free_bench(&b);
	}
}

/* A window, small and large, for each kind of peer. */
static void
window_conf(uint64_t seed, struct smtp_client_conf *cc)
{
	static const uint64_t bytes[] = {1, 4096, UINT64_C(1) << 30};

	cc->chunk_bytes = seed % 2 ? 0 : 700;
	cc->window_bytes = bytes[seed % 3];
	cc->window_messages = seed % 5 ? 16 : 2;
}

static void
test_window(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 120; seed++) {
		struct smtp_server_conf sc = server_conf;
		struct smtp_client_conf cc = client_conf;
		struct bench b = {.luck = seed * 104729};

		sc.extensions = sets[seed / 2 % 4];
		window_conf(seed, &cc);
		b.withdraws = seed % 7 == 0;
		start(&b, &cc, &sc);
		run(&b);
		assert_true(b.flying_most <= cc.window_messages);
		if (!(sc.extensions & EXT_PIPELINING))
			assert_int_equal(b.flying_most, 1);
		else if (cc.window_bytes > 1)
			assert_true(b.flying_most > 1);
		stop(&b);
		free_bench(&b);
	}
}

/* The client is cut off; what had left may still come to the server. */
static void
cut(struct bench *b)
{
	buf_clear(&b->down.octets);
	machine_eof(b->c.m);
	step(b, &b->c, client_event);
	assert_int_equal(machine_want(b->c.m), WANT_CLOSE);
	while (step(b, &b->s, server_event))
		buf_clear(&b->down.octets);
}

static size_t
check_cut(struct bench *b)
{
	size_t in_doubt = 0;

	for (size_t i = 0; i < b->sent; i++) {
		const struct parcel *p = &b->parcels[i];
		bool doubt = smtp_client_in_doubt(b->client, i);

		assert_true(p->took <= 1);
		assert_false(p->done && doubt);
		if (doubt)
			assert_int_equal(p->body_at, p->body.len);
		if (!p->done)
			assert_true(doubt || p->took == 0);
		in_doubt += doubt;
	}
	return in_doubt;
}

static void
test_cut(void **state)
{
	size_t in_doubt = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++) {
		struct smtp_server_conf sc = server_conf;
		struct smtp_client_conf cc = client_conf;
		struct bench b = {.luck = seed * 15485863};
		size_t rounds = 1 + (size_t)luck(&b, 3000);

		sc.extensions = sets[seed / 2 % 4];
		window_conf(seed, &cc);
		start(&b, &cc, &sc);
		for (size_t i = 0; i < rounds && !is_over(&b); i++) {
			step(&b, &b.c, client_event);
			client_work(&b);
			step(&b, &b.s, server_event);
		}
		if (!is_over(&b) && machine_want(b.c.m) != WANT_CLOSE)
			cut(&b);
		in_doubt += check_cut(&b);
		stop(&b);
		free_bench(&b);
	}
	assert_true(in_doubt > 100);
}

/* AUTH, mail up, the turn, mail down over the same pipes. */
static void
test_auth_and_turn(void **state)
{
	static const char *const mechs[] = {
		"SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"};

	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct smtp_server_conf sc = server_conf;
		struct smtp_client_conf cc = client_conf;
		struct bench b = {
			.luck = seed + 104729, .atrn = "aurora.example"};

		assert_int_equal(
			verifier_make("secret", true, &b.verifier, NULL), OK);
		sc.extensions = EXT_PIPELINING | EXT_AUTH | EXT_ATRN;
		sc.mechs_tls = mechs[seed];
		sc.tls_active = sc.auth_required = true;
		cc.user = "ann";
		cc.password = "secret";
		cc.tls_active = cc.tls_verified = true;
		cc.auth_required = true;
		start(&b, &cc, &sc);
		run(&b);
		stop(&b);
		assert_int_equal(b.logins, 1);
		assert_true(b.turned);

		b.atrn = NULL;
		sc.auth_required = false;
		sc.turned = cc.turned = true;
		start(&b, &cc, &sc);
		run(&b);
		stop(&b);
		assert_int_equal(b.logins, 1);
		free_bench(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_auth_and_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
