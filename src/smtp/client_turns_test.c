/*
 * What a queue of 100 messages costs: turn-arounds and octets, exactly.
 *
 * The peer says nothing while our side has something to send, so that every
 * wait is counted: a turn-around is an interval in which our side has nothing
 * to send and waits. The TCP handshake is one, QUIT's reply is none, and a TLS
 * handshake that resumes is one (RFC 8446 2.2: our Finished travels with what
 * comes behind it).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smtp/client.h"

enum { MESSAGES = 100, BODY = 787, TCP_HANDSHAKE = 1 };

static const char sender[] = "mate@aurora.example";
static const char recipient[] = "office@harbour.example";

/* The peer: takes all, answers when it is asked to. */
struct peer {
	const char *keywords;
	struct buf line, said;
	uint64_t chunk_left;
	bool in_data;
	size_t took;
};

struct cost {
	size_t turns, octets;
};

static bool
is_word(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static void
peer_bdat(struct peer *p, const char *line)
{
	str_u64(str_cut(str_of(line + 5), ' ', &(struct str){0}),
		&p->chunk_left);
	p->took += strstr(line, " LAST") != NULL;
	buf_addz(&p->said, "250 ok\r\n");
}

static void
peer_line(struct peer *p, const char *line)
{
	if (p->in_data) {
		if (strcmp(line, ".") != 0)
			return;
		p->in_data = false;
		p->took++;
		buf_addz(&p->said, "250 ok\r\n");
	} else if (is_word(line, "EHLO")) {
		buf_addf(&p->said, "250-peer\r\n%s250 SIZE\r\n", p->keywords);
	} else if (is_word(line, "STARTTLS")) {
		buf_addz(&p->said, "220 go\r\n");
	} else if (is_word(line, "AUTH PLAIN ")) {
		buf_addz(&p->said, "235 ok\r\n");
	} else if (is_word(line, "DATA")) {
		p->in_data = true;
		buf_addz(&p->said, "354 go\r\n");
	} else if (is_word(line, "BDAT ")) {
		peer_bdat(p, line);
	} else {
		assert_false(is_word(line, "AUTH"));
		buf_addz(&p->said, "250 ok\r\n");
	}
}

static void
peer_take(struct peer *p, struct str octets)
{
	for (size_t i = 0; i < octets.n; i++) {
		if (p->chunk_left > 0) {
			p->chunk_left--;
			continue;
		}
		buf_add(&p->line, octets.p + i, 1);
		if (octets.p[i] != '\n')
			continue;
		p->line.len -= 2;
		peer_line(p, buf_z(&p->line));
		buf_clear(&p->line);
	}
}

static void
give_mail(struct smtp_client *c, uint64_t tag)
{
	static struct mailbox to;
	static struct rcpt_params params;
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &params,
		.recipients_n = 1,
		.size_bytes = BODY,
		.tag = tag};

	strcpy(to.text, recipient);
	strcpy(mail.sender.text, sender);
	smtp_client_send(c, &mail);
}

static void
give_body(struct smtp_client *c)
{
	static char body[BODY];
	uint64_t left = smtp_client_body_left(c);

	memset(body, 'x', sizeof(body));
	memcpy(body + BODY - 2, "\r\n", 2);
	smtp_client_body(c, (struct str){body + (BODY - left), (size_t)left});
}

/* Our side does what it can. False: it waits. */
static bool
host_go(struct smtp_client *c, uint64_t *given)
{
	switch (machine_want(smtp_client_machine(c))) {
	case WANT_WORK:
	case WANT_MORE:
		if (*given == MESSAGES)
			return false;
		give_mail(c, ++*given);
		return true;
	case WANT_BODY:
		give_body(c);
		return true;
	default:
		return false;
	}
}

/* Everything goes out, and comes to the peer. */
static void
send_all(struct smtp_client *c, struct peer *p, struct cost *cost,
	uint64_t *given)
{
	struct machine *m = smtp_client_machine(c);
	bool moved = true;

	while (moved) {
		struct str out = machine_out(m);

		moved = host_go(c, given) || out.n > 0;
		out = machine_out(m);
		peer_take(p, out);
		cost->octets += out.n;
		machine_sent(m, out.n);
	}
}

static uint64_t
hear_all(struct smtp_client *c, struct peer *p)
{
	struct machine *m = smtp_client_machine(c);
	struct str in = buf_view(&p->said);
	struct smtp_event e;
	uint64_t done = 0;

	while (in.n > 0) {
		in = str_skip(in, machine_feed(m, in));
		while (machine_next(m, &e)) {
			assert_int_not_equal(e.kind, EV_FAILED);
			if (e.kind != EV_DONE)
				continue;
			assert_int_equal(e.reply->code, 250);
			done++;
		}
	}
	buf_clear(&p->said);
	return done;
}

static struct cost
run(const struct smtp_client_conf *conf, const char *keywords)
{
	struct smtp_client *c = smtp_client_new(conf, 0);
	struct machine *m = smtp_client_machine(c);
	struct peer p = {.keywords = keywords};
	struct cost cost = {.turns = TCP_HANDSHAKE + conf->tls_active};
	uint64_t given = 0, done = 0;
	struct smtp_event e;

	buf_addz(&p.said, "220 peer\r\n");
	while (done < MESSAGES) {
		send_all(c, &p, &cost, &given);
		cost.turns++;
		if (machine_want(m) == WANT_TLS) {
			machine_tls_done(
				m, &(struct tls_facts){.verified = true});
			assert_true(machine_next(m, &e));
		} else {
			done += hear_all(c, &p);
		}
	}
	assert_int_equal(p.took, MESSAGES);
	assert_int_equal(machine_want(m), WANT_WORK);
	smtp_client_quit(c);
	assert_int_equal(machine_want(m), WANT_CLOSE);
	cost.octets += machine_out(m).n;
	buf_free(&p.line);
	buf_free(&p.said);
	machine_free(m);
	return cost;
}

static struct smtp_client_conf
cheap(void)
{
	return (struct smtp_client_conf){
		.hostname = "aurora.example",
		.few_turns = true,
		.quit_no_wait = true,
		.stall_ms = 300000,
		.final_ms = 600000,
		.window_messages = SMTP_CLIENT_WINDOW_MAX,
		.window_bytes = UINT64_C(1) << 20,
	};
}

#define BOTH "250-PIPELINING\r\n250-CHUNKING\r\n"

static void
test_clear(void **state)
{
	struct smtp_client_conf conf = cheap();

	(void)state;
	/* connect, greeting, EHLO, all of it */
	assert_int_equal(run(&conf, BOTH).turns, 4);
	/* ... and a turn for each 354 */
	assert_int_equal(run(&conf, "250-PIPELINING\r\n").turns, 3 + 101);
	/* MAIL, RCPT, BDAT; MAIL, RCPT, DATA, dot */
	assert_int_equal(run(&conf, "250-CHUNKING\r\n").turns, 3 + 300);
	assert_int_equal(run(&conf, "").turns, 3 + 400);
	/* without a window: the letter of RFC 3030 */
	conf.window_bytes = 0;
	assert_int_equal(run(&conf, BOTH).turns, 3 + 200);
	assert_int_equal(run(&conf, "250-PIPELINING\r\n").turns, 3 + 200);
}

#define MECHS "250-AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN\r\n"

static void
test_tls(void **state)
{
	struct smtp_client_conf conf = cheap();

	(void)state;
	conf.user = "mate";
	conf.password = "secret";
	conf.auth_required = true;
	/* connect, handshake, greeting, EHLO, AUTH, all of it */
	conf.tls_active = conf.tls_verified = true;
	assert_int_equal(run(&conf, BOTH MECHS).turns, 6);
	/* connect, greeting, EHLO, STARTTLS, handshake, EHLO, AUTH, all */
	conf.tls_active = conf.tls_verified = false;
	conf.tls = CLIENT_TLS_REQUIRED;
	assert_int_equal(run(&conf, BOTH "250-STARTTLS\r\n" MECHS).turns, 8);
}

/* A turn is not worth more than a window: with a small one there are more. */
static void
test_small_window(void **state)
{
	struct smtp_client_conf conf = cheap();

	(void)state;
	conf.window_bytes = 10 * BODY;
	assert_int_equal(run(&conf, BOTH).turns, 3 + 10);
	conf.window_bytes = UINT64_C(1) << 20;
	conf.window_messages = 25;
	assert_int_equal(run(&conf, BOTH).turns, 3 + 4);
}

/*
 * What we say beside the bodies. For each message, addresses included: RSET
 * (not for the first), MAIL with SIZE, RCPT, BDAT; or MAIL, RCPT, DATA and the
 * dot.
 */
static void
test_octets(void **state)
{
	static const char once[] = "EHLO aurora.example\r\nQUIT\r\n";
	static const char mail[] =
		"MAIL FROM:<mate@aurora.example> SIZE=787\r\n"
		"RCPT TO:<office@harbour.example>\r\n";
	static const char bdat[] = "BDAT 787 LAST\r\n", rset[] = "RSET\r\n";
	static const char data[] = "DATA\r\n.\r\n";
	size_t bodies = MESSAGES * BODY + strlen(once);
	struct smtp_client_conf conf = cheap();
	size_t each = strlen(rset) + strlen(mail) + strlen(bdat);

	(void)state;
	assert_int_equal(each, 97);
	assert_true(each <= 110);
	assert_int_equal(run(&conf, BOTH).octets,
		bodies + MESSAGES * each - strlen(rset));
	assert_int_equal(run(&conf, "250-PIPELINING\r\n").octets,
		bodies + MESSAGES * (strlen(mail) + strlen(data)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_small_window),
		cmocka_unit_test(test_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
