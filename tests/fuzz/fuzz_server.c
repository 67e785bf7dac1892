/*
 * The server machine against any client and any host.
 *
 * Octet 0 and 1 choose the service, 2 the protocol and the size of the pieces
 * the client's octets come in, 3 how many octets are the host's script; the
 * rest is the client. Each answer of the host takes one octet of its script.
 * The same is then run in one piece, and both must have said and told the same.
 */
#include "smtp/server.h"
#include "smtp/server_state.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <string.h>

enum { HEAD = 4 };

struct host {
	struct smtp_server *server;
	struct machine *m;
	const uint8_t *script;
	size_t script_n, at;
	uint64_t now_ms;
	bool odd; /* the script does what depends on how input was cut */
	/* what the events said so far */
	bool has_mail, has_rcpt, in_body, authenticated, closed;
	bool lmtp;
	size_t taken_n, ends_n; /* recipients, and ends asked about */
	struct buf said, told, body;
	bool turned_over; /* TLS or TURN was wanted */
};

static uint8_t
next_octet(struct host *h)
{
	return h->at < h->script_n ? h->script[h->at++] : 0;
}

static struct smtp_server_conf
choose_conf(uint8_t a, uint8_t b)
{
	struct smtp_server_conf conf = {
		.hostname = "h.example",
		.extensions = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME |
			      EXT_ENHANCEDSTATUSCODES | EXT_DSN,
		.message_size_max = a & 1 ? 100 : 0,
		.recipients_max = 3,
		.line_max = a & 2 ? 20 : 998,
		.errors_max = a & 4 ? 5 : 0,
		.commands_max = a & 8 ? 5 : 0,
		.command_timeout_ms = 1000,
		.data_timeout_ms = 500,
		.tls_active = a & 16,
		.tls_required = a & 32,
		.auth_required = a & 64,
		.odmr = a & 128,
		.turned = b & 1,
		.home_domain = b & 2 ? "h.example" : NULL,
		.mechs_tls = "SCRAM-SHA-256 PLAIN LOGIN",
		.mechs_clear = b & 2 ? "CRAM-MD5 PLAIN" : "",
	};

	if (b & 4)
		conf.extensions |= EXT_CHUNKING;
	if (b & 8)
		conf.extensions |= EXT_BINARYMIME;
	if (b & 16)
		conf.extensions |= EXT_STARTTLS;
	if (b & 32)
		conf.extensions |= EXT_AUTH;
	if (b & 64)
		conf.extensions |= EXT_ATRN | EXT_ETRN | EXT_EXPN;
	conf.expn = a & 1;
	if (b & 128)
		conf.extensions |= EXT_SMTPUTF8 | EXT_REQUIRETLS |
				   EXT_MT_PRIORITY | EXT_DELIVERBY | EXT_LIMITS;
	if (b & 128) {
		conf.limit_rcpt = 3;
		conf.limit_mail = 3;
	}
	return conf;
}

/* Whole lines, each "NNN text" or "NNN-text" of a class there is. */
static void
check_out(struct str out)
{
	while (out.n > 0) {
		struct str line = str_cut(out, '\n', &out);

		FUZZ_CHECK(line.n >= 5 && line.n <= 511);
		FUZZ_CHECK(line.p[line.n - 1] == '\r');
		FUZZ_CHECK(line.p[0] >= '2' && line.p[0] <= '5');
		FUZZ_CHECK(isdigit((unsigned char)line.p[1]));
		FUZZ_CHECK(isdigit((unsigned char)line.p[2]));
		FUZZ_CHECK(line.p[3] == ' ' || line.p[3] == '-');
		FUZZ_CHECK(!memchr(line.p, '\r', line.n - 1));
		/* RFC 2034 4: the classes agree */
		if (line.n > 7 && isdigit((unsigned char)line.p[4]) &&
			line.p[5] == '.' && line.p[0] != '3')
			FUZZ_CHECK(line.p[4] == line.p[0]);
	}
}

static void
drain(struct host *h)
{
	struct str out = machine_out(h->m);

	FUZZ_CHECK(out.n <= SERVER_OUT_MAX);
	check_out(out);
	buf_adds(&h->said, out);
	machine_sent(h->m, out.n);
}

static void
answer(struct host *h, enum smtp_event_kind kind)
{
	static const int good[] = {250, 251, 235, 354};
	static const int bad[] = {450, 550, 452, 535};
	uint8_t octet = next_octet(h);
	struct reply r;
	int code = octet & 4 ? bad[octet & 3] : good[octet & 3];

	if ((octet & 15) == 15)
		code = 421;
	if (kind == EV_AUTH_START || kind == EV_AUTH_DATA)
		code = octet & 4 ? 535 : octet & 1 ? 334 : 235;
	else if (code == 235 || (code == 354 && kind != EV_DATA))
		code = 250;
	reply_set(&r, code, "", "answer %d", octet >> 4);
	for (int i = 0; kind == EV_EXPN && i < octet >> 4; i++)
		smtp_server_more(h->server, &r);
	switch (kind) {
	case EV_MAIL:
		h->has_mail = code / 100 == 2;
		h->has_rcpt = false;
		h->taken_n = h->ends_n = 0;
		break;
	case EV_RCPT:
		h->has_rcpt |= code / 100 == 2;
		h->taken_n += code / 100 == 2;
		break;
	case EV_DATA:
		h->in_body = code / 100 < 4;
		break;
	case EV_AUTH_START:
	case EV_AUTH_DATA:
		h->authenticated |= code == 235;
		break;
	default:
		break;
	}
	machine_answer(h->m, &r);
}

/* Keeps what was told in a form that does not show how input was cut. */
static void
tell(struct host *h, const struct smtp_event *e)
{
	if (e->kind == EV_BODY) {
		buf_adds(&h->body, e->data);
		return;
	}
	if (e->kind == EV_BODY_END)
		buf_adds(&h->told, buf_view(&h->body));
	if (e->kind != EV_REFUSED)
		buf_clear(&h->body);
	buf_addf(&h->told, "\n%d ", (int)e->kind);
	buf_adds(&h->told, e->text);
	if (e->mailbox)
		buf_addz(&h->told, e->mailbox->text);
	if (e->reply)
		buf_addf(&h->told, "%d", e->reply->code);
	buf_addf(&h->told, "%llu", (unsigned long long)e->fault_line);
}

static void
check_event(struct host *h, const struct smtp_event *e)
{
	FUZZ_CHECK(!h->closed);
	switch (e->kind) {
	case EV_MAIL:
		FUZZ_CHECK(!h->has_mail && smtp_server_helo(h->server)[0]);
		h->has_mail = true; /* until it is answered */
		break;
	case EV_RCPT:
		FUZZ_CHECK(h->has_mail && !h->in_body);
		FUZZ_CHECK(e->mailbox->text[0] && e->rcpt);
		break;
	case EV_DATA:
		FUZZ_CHECK(h->has_mail && h->has_rcpt && !h->in_body);
		break;
	case EV_BODY:
		FUZZ_CHECK(h->in_body && e->data.n > 0);
		FUZZ_CHECK(e->data.n <= SERVER_BLOCK);
		break;
	case EV_BODY_FAULT:
		FUZZ_CHECK(e->text.n > 0 && e->fault_line > 0);
		/* fall through */
	case EV_BODY_TOO_BIG:
		FUZZ_CHECK(h->in_body);
		h->in_body = h->has_mail = false;
		break;
	case EV_BODY_END:
		FUZZ_CHECK(e->index == h->ends_n && h->ends_n < h->taken_n);
		FUZZ_CHECK(h->in_body == (h->ends_n == 0));
		FUZZ_CHECK(h->lmtp || h->ends_n == 0);
		h->ends_n++;
		h->in_body = h->has_mail = false;
		break;
	case EV_RESET:
		FUZZ_CHECK(h->has_mail);
		h->in_body = h->has_mail = false;
		break;
	case EV_ATRN:
		FUZZ_CHECK(h->authenticated && !h->has_mail);
		break;
	case EV_AUTH_START:
		FUZZ_CHECK(!h->authenticated && !h->has_mail);
		break;
	case EV_TLS_STARTED:
		h->authenticated = false;
		break;
	case EV_CLOSED:
		h->closed = true;
		break;
	default:
		break;
	}
}

static bool
asks(enum smtp_event_kind kind)
{
	return kind == EV_MAIL || kind == EV_RCPT || kind == EV_DATA ||
	       kind == EV_BODY_END || kind == EV_AUTH_START ||
	       kind == EV_AUTH_DATA || kind == EV_ATRN || kind == EV_ETRN ||
	       kind == EV_EXPN;
}

/* Reads all events; answers the one that asks. */
static void
pump(struct host *h)
{
	struct smtp_event e;
	bool owed;

	do {
		enum smtp_event_kind asked = EV_HELO;

		owed = false;
		while (machine_next(h->m, &e)) {
			FUZZ_CHECK(!owed || e.kind == EV_CLOSED ||
				   e.kind == EV_RESET);
			check_event(h, &e);
			tell(h, &e);
			if (asks(e.kind)) {
				owed = true;
				asked = e.kind;
			}
		}
		if (owed) {
			FUZZ_CHECK(
				h->closed || machine_want(h->m) == WANT_ANSWER);
			FUZZ_CHECK(machine_feed(h->m, STR("")) == 0);
			answer(h, asked);
		}
		drain(h);
	} while (owed);
}

/* Now and then the world interferes. */
static void
interfere(struct host *h)
{
	static const struct tls_facts facts;
	uint8_t octet;

	if (machine_want(h->m) == WANT_TLS) {
		machine_tls_done(h->m, &facts);
		pump(h);
	}
	if (!h->odd)
		return;
	octet = next_octet(h);
	if (octet & 64)
		h->now_ms += octet;
	machine_tick(h->m, h->now_ms);
	if ((octet & 63) == 63)
		smtp_server_shutdown(h->server, "stop");
	if (octet == 254)
		machine_eof(h->m);
	pump(h);
}

static void
run(struct host *h, const struct smtp_server_conf *conf, struct str in,
	size_t piece)
{
	h->server = smtp_server_new(conf, 0);
	h->m = smtp_server_machine(h->server);
	drain(h);
	while (in.n > 0 && machine_want(h->m) == WANT_INPUT) {
		size_t n = piece && piece < in.n ? piece : in.n;
		size_t taken = machine_feed(h->m, (struct str){in.p, n});

		FUZZ_CHECK(taken > 0 && taken <= n);
		in = str_skip(in, taken);
		pump(h);
		h->turned_over |= machine_want(h->m) == WANT_TLS ||
				  machine_want(h->m) == WANT_TURN;
		interfere(h);
	}
	if (machine_want(h->m) == WANT_CLOSE)
		FUZZ_CHECK(machine_feed(h->m, STR("NOOP\r\n")) == 0);
	machine_eof(h->m);
	pump(h);
	FUZZ_CHECK(h->closed && !h->has_mail);
	FUZZ_CHECK(machine_want(h->m) == WANT_CLOSE);
}

static void
end(struct host *h)
{
	machine_free(h->m);
	buf_free(&h->said);
	buf_free(&h->told);
	buf_free(&h->body);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return str_eq(buf_view(a), buf_view(b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_server_conf conf;
	struct host h = {0}, whole = {0};
	struct str in;

	if (size < HEAD || size < (size_t)HEAD + data[3])
		return 0;
	conf = choose_conf(data[0], data[1]);
	conf.lmtp = h.lmtp = whole.lmtp = data[2] & 128;
	h.script = whole.script = data + HEAD;
	h.script_n = whole.script_n = data[3];
	in = (struct str){
		(const char *)data + HEAD + data[3], size - HEAD - data[3]};
	h.odd = data[2] & 1;
	run(&h, &conf, in, data[2] / 2 & 63);
	if (!h.odd) {
		run(&whole, &conf, in, 0);
		/* octets behind STARTTLS and ATRN are seen or not yet seen */
		if (!h.turned_over && !whole.turned_over &&
			!memmem(whole.said.data, whole.said.len, "421 4.7.0",
				9) &&
			!memmem(h.said.data, h.said.len, "421 4.7.0", 9)) {
			FUZZ_CHECK(same(&h.said, &whole.said));
			FUZZ_CHECK(same(&h.told, &whole.told));
		}
		end(&whole);
	}
	end(&h);
	return 0;
}
