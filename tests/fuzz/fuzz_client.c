/*
 * The peer's octets, fed to the client machine by a host that sends messages.
 * The first two octets choose the configuration and how octets are cut; the
 * rest is what the peer says. Each message given must end once, and be in doubt
 * only when all of it had left.
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
	WINDOW = 128,  /* several messages in flight */
	/* of the second octet, which is the size of chunks and window, too */
	EXTERNAL = 1,
	WITHDRAWS = 2, /* each second message, at the first chance */
	PATIENT = 4,   /* each third message */
	NO_WAIT = 8,
	MESSAGES = 6,
	RECIPIENTS_MAX = 400,
	OUT_MAX = 32 * 1024,
};

static const char body[] = "Subject: x\r\n\r\n.\r\n..two\r\nend\r\n";

struct host {
	struct smtp_client *c;
	struct machine *m;
	unsigned flags, more_flags;
	size_t sent, done, failed, turns;
	size_t recipients, told, body_at;
	uint64_t gone;		       /* octets of out that were sent */
	uint64_t end_at[MESSAGES + 1]; /* GONE when it has left; 0: never */
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
	h->body_at = 0;
	mail.tag = ++h->sent;
	mail.patient = (h->more_flags & PATIENT) && h->sent % 3 == 0;
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
	if (h->more_flags & WITHDRAWS && h->sent % 2 &&
		smtp_client_withdraw(h->c))
		return;
	rest.n = rest.n > 7 ? 7 : rest.n;
	n = smtp_client_body(h->c, rest);
	FUZZ_CHECK(n <= rest.n);
	FUZZ_CHECK(n > 0 || machine_out(h->m).n > 0);
	h->body_at += n;
	if (h->body_at == sizeof(body) - 1)
		h->end_at[h->sent] = h->gone + machine_out(h->m).n;
}

/* True: something was done. */
static bool
work(struct host *h)
{
	switch (machine_want(h->m)) {
	case WANT_MORE:
		FUZZ_CHECK(h->flags & WINDOW && h->sent > h->done);
		FUZZ_CHECK(!smtp_client_is_spent(h->c));
		if (h->sent == MESSAGES)
			return false;
		send_mail(h);
		return true;
	case WANT_WORK:
		FUZZ_CHECK(h->sent == h->done);
		if (h->sent < MESSAGES)
			send_mail(h);
		else if (++h->turns == 1)
			smtp_client_etrn(h->c, "a.example");
		else if (h->turns == 2)
			smtp_client_atrn(h->c, "a.example,b.example");
		else
			smtp_client_quit(h->c);
		return true;
	case WANT_BODY:
		give_body(h);
		return true;
	case WANT_TLS:
		machine_tls_done(h->m, &(struct tls_facts){.verified = true});
		return true;
	default:
		return false;
	}
}

static void
check_failed(struct host *h, const struct smtp_event *e)
{
	bool any = false;

	FUZZ_CHECK(e->fail != FAIL_NONE && e->text.n > 0);
	FUZZ_CHECK(e->tag == (h->done < h->sent ? h->done + 1 : 0));
	FUZZ_CHECK(!e->mismatch || e->fail == FAIL_PROTOCOL);
	FUZZ_CHECK(machine_want(h->m) == WANT_CLOSE);
	for (size_t tag = 1; tag <= MESSAGES; tag++) {
		if (!smtp_client_in_doubt(h->c, tag))
			continue;
		FUZZ_CHECK(tag > h->done && tag <= h->sent);
		FUZZ_CHECK(h->end_at[tag] > 0 && h->end_at[tag] <= h->gone);
		FUZZ_CHECK(e->fail != FAIL_REFUSED);
		any = true;
	}
	FUZZ_CHECK(any == e->in_doubt);
}

static void
take_event(struct host *h, const struct smtp_event *e)
{
	FUZZ_CHECK(h->failed == 0);
	if (e->kind >= EV_MAIL_REPLY && e->kind <= EV_DONE)
		FUZZ_CHECK(e->tag == h->done + 1 && e->tag <= h->sent);
	switch (e->kind) {
	case EV_RCPT_REPLY:
		FUZZ_CHECK(e->index == h->told && h->told < h->recipients);
		h->told++;
		break;
	case EV_DONE:
		h->done++;
		h->told = 0;
		FUZZ_CHECK(reply_class(e->reply) > 3 || !e->early);
		FUZZ_CHECK(reply_class(e->reply) > 3 ||
			   (h->end_at[h->done] > 0 &&
				   h->end_at[h->done] <= h->gone));
		break;
	case EV_FAILED:
		h->failed++;
		check_failed(h, e);
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
	h->gone += n;
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
		moved |= work(h);
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
	h.more_flags = data[1];
	conf.external = h.more_flags & EXTERNAL;
	conf.few_turns = conf.quit_no_wait = h.more_flags & NO_WAIT;
	conf.auth_clear = true;
	conf.chunk_bytes = h.flags & IN_CHUNKS ? data[1] : 0;
	conf.window_messages = MESSAGES - 1;
	conf.window_bytes = h.flags & WINDOW ? 1u + 2u * data[1] : 0;
	h.c = smtp_client_new(&conf, 0);
	h.m = smtp_client_machine(h.c);
	talk(&h, (struct str){(const char *)data + 2, size - 2});
	end(&h);
	machine_free(h.m);
	return 0;
}
