/*
 * The peer's octets, fed to the client machine by a host that sends messages.
 * The first two octets choose the configuration and how octets are cut; the
 * rest is what the peer says.
 */
#include "tests/fuzz/fuzz.h"

#include "smtp/client.h"

#include <string.h>

enum {
	BY_LINE = 1, /* else all that is left in one piece */
	WITH_TLS = 2,
	WITH_AUTH = 4,
	IN_CHUNKS = 8,
	MANY = 16,     /* recipients */
	BY_CLOCK = 32, /* the end is a deadline, not a close */
	SLOW = 64,     /* out leaves in small pieces */
	MESSAGES = 3,
	RECIPIENTS_MAX = 400,
	OUT_MAX = 32 * 1024,
};

static const char body[] = "Subject: x\r\n\r\n.\r\n..two\r\nend\r\n";

struct host {
	struct smtp_client *c;
	struct machine *m;
	unsigned flags;
	size_t sent, done, failed, turns;
	size_t recipients, told, body_at;
};

static void
send_mail(struct host *h)
{
	static struct mailbox to[RECIPIENTS_MAX];
	static struct rcpt_params params[RECIPIENTS_MAX];
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;
	struct smtp_mail mail = {.recipients = to,
		.rcpt_params = params,
		.size_bytes = sizeof(body) - 1,
		.params = {.body = BODY_8BITMIME, .ret = RET_HDRS}};

	strcpy(to[0].text, "b@y.example");
	strcpy(params[0].orcpt, "rfc822;b@y.example");
	for (size_t i = 1; i < RECIPIENTS_MAX; i++)
		to[i] = to[0];
	/* binary goes only where it can */
	if ((smtp_client_extensions(h->c) & binary) == binary)
		mail.params.body = BODY_BINARYMIME;
	h->recipients = h->flags & MANY ? RECIPIENTS_MAX : 2;
	mail.recipients_n = h->recipients;
	h->told = h->body_at = 0;
	h->sent++;
	smtp_client_send(h->c, &mail);
	FUZZ_CHECK(smtp_client_limit_rcpt(h->c) <= 999999);
	FUZZ_CHECK(smtp_client_is_spent(h->c) ==
		   (smtp_client_limit_mail(h->c) > 0 &&
			   h->sent >= smtp_client_limit_mail(h->c)));
}

static void
give_body(struct host *h)
{
	struct str rest =
		str_skip((struct str){body, sizeof(body) - 1}, h->body_at);
	size_t n;

	FUZZ_CHECK(smtp_client_body_left(h->c) <= rest.n);
	FUZZ_CHECK(rest.n > 0);
	rest.n = rest.n > 7 ? 7 : rest.n;
	n = smtp_client_body(h->c, rest);
	FUZZ_CHECK(n <= rest.n);
	FUZZ_CHECK(n > 0 || machine_out(h->m).n > 0);
	h->body_at += n;
}

static void
work(struct host *h)
{
	switch (machine_want(h->m)) {
	case WANT_WORK:
		if (h->sent < MESSAGES)
			send_mail(h);
		else if (++h->turns == 1)
			smtp_client_etrn(h->c, "a.example");
		else if (h->turns == 2)
			smtp_client_atrn(h->c, "a.example,b.example");
		else
			smtp_client_quit(h->c);
		break;
	case WANT_BODY:
		give_body(h);
		break;
	case WANT_TLS:
		machine_tls_done(h->m, &(struct tls_facts){.verified = true});
		break;
	default:
		break;
	}
}

static void
take_event(struct host *h, const struct smtp_event *e)
{
	FUZZ_CHECK(h->failed == 0);
	switch (e->kind) {
	case EV_RCPT_REPLY:
		FUZZ_CHECK(e->index == h->told && h->told < h->recipients);
		h->told++;
		break;
	case EV_DONE:
		h->done++;
		FUZZ_CHECK(h->done == h->sent);
		FUZZ_CHECK(reply_class(e->reply) > 3 || !e->early);
		FUZZ_CHECK(reply_class(e->reply) > 3 ||
			   h->body_at == sizeof(body) - 1);
		break;
	case EV_FAILED:
		h->failed++;
		FUZZ_CHECK(e->fail != FAIL_NONE && e->text.n > 0);
		FUZZ_CHECK(!e->in_doubt || (h->body_at == sizeof(body) - 1 &&
						   h->done + 1 == h->sent));
		FUZZ_CHECK(machine_want(h->m) == WANT_CLOSE);
		break;
	default:
		break;
	}
}

/* True: something moved. */
static bool
settle(struct host *h)
{
	struct smtp_event e;
	size_t n = machine_out(h->m).n;
	bool moved = n > 0;

	FUZZ_CHECK(n <= OUT_MAX);
	if (h->flags & SLOW && n > 100)
		n = 100;
	machine_sent(h->m, n);
	while (machine_next(h->m, &e)) {
		take_event(h, &e);
		moved = true;
	}
	return moved;
}

static size_t
piece(const struct host *h, struct str in)
{
	const char *end = memchr(in.p, '\n', in.n);

	if (!(h->flags & BY_LINE) || !end)
		return in.n;
	return (size_t)(end - in.p) + 1;
}

static void
talk(struct host *h, struct str in)
{
	bool moved = true;

	while (moved) {
		size_t n = in.n ? piece(h, in) : 0;

		n = machine_feed(h->m, (struct str){in.p, n});
		in = str_skip(in, n);
		moved = n > 0;
		moved |= settle(h);
		if (machine_want(h->m) != WANT_INPUT &&
			machine_want(h->m) != WANT_CLOSE &&
			machine_want(h->m) != WANT_TURN) {
			work(h);
			moved = true;
		}
	}
}

static void
end(struct host *h)
{
	bool over = machine_want(h->m) == WANT_CLOSE ||
		    machine_want(h->m) == WANT_TURN;
	uint64_t at = machine_deadline(h->m);

	FUZZ_CHECK(over || at != UINT64_MAX);
	if (h->flags & BY_CLOCK && !over)
		machine_tick(h->m, at);
	else
		machine_eof(h->m);
	settle(h);
	FUZZ_CHECK(machine_want(h->m) == WANT_CLOSE);
	machine_eof(h->m);
	machine_tick(h->m, UINT64_MAX);
	settle(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_client_conf conf = {.hostname = "me.example",
		.stall_ms = 300000,
		.final_ms = 600000,
		.turn_ms = 600000};
	struct host h = {0};

	if (size < 2)
		return 0;
	h.flags = data[0];
	conf.tls = h.flags & WITH_TLS ? CLIENT_TLS_OFFERED : CLIENT_TLS_NONE;
	conf.user = h.flags & WITH_AUTH ? "tim" : NULL;
	conf.password = "tanstaaftanstaaf";
	conf.external = data[1] & 1;
	conf.auth_clear = true;
	conf.chunk_bytes = h.flags & IN_CHUNKS ? data[1] : 0;
	h.c = smtp_client_new(&conf, 0);
	h.m = smtp_client_machine(h.c);
	talk(&h, (struct str){(const char *)data + 2, size - 2});
	end(&h);
	machine_free(h.m);
	return 0;
}
