#include "tests/lib/server_script.h"

#include "smtp/sasl.h"
#include "smtp/server_state.h"

#define GREETING "S: 220 *\n"
#define STILL_HERE "C: NOOP\nS: 250 2.0.0 Ok\n"

/* A service with TLS and AUTH, and little else, to keep transcripts short. */
static struct smtp_server_conf
secure_conf(void)
{
	struct smtp_server_conf conf = script_conf();

	conf.extensions = EXT_STARTTLS | EXT_AUTH | EXT_CHUNKING;
	return conf;
}

#define CLEAR_EHLO                                                             \
	"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-CHUNKING\nS: 250 STARTTLS\n"
#define START_TLS "C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\nT:\nE: tls\n"
#define TLS_EHLO                                                               \
	"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-CHUNKING\n"                    \
	"S: 250 AUTH SCRAM-SHA-256 PLAIN\n"
#define TLS_EHLO_AUTHENTICATED                                                 \
	"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250 CHUNKING\n"

/* --- STARTTLS ------------------------------------------------------------- */

static void
test_starttls(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	script_check(&conf, GREETING CLEAR_EHLO START_TLS
		/* RFC 3207 4.2: the name is forgotten */
		"C: MAIL FROM:<>\nS: 503 5.5.1 *EHLO first\n"
		"E: refused 503\n" TLS_EHLO
		"C: STARTTLS\nS: 503 5.5.1 *already*\nE: refused 503\n"
		"C: MAIL FROM:<>\nS: 250 *\nE: mail <>\n");
	/* ... in every sense */
	script_check(&conf, GREETING CLEAR_EHLO START_TLS
		"C: BDAT 0\nS: 503 *\nE: refused 503\n"
		"C: MAIL FROM:<>\nS: 503 5.5.1 *EHLO first\n"
		"E: refused 503\n");
	/* without EHLO; with an argument */
	script_check(&conf, GREETING
		"C: STARTTLS x\nS: 501 5.5.4 *\nE: refused 501\n" START_TLS
			TLS_EHLO);
	/* TLS from the first octet */
	conf.tls_active = true;
	script_check(&conf,
		GREETING TLS_EHLO "C: STARTTLS\nS: 503 *\nE: refused 503\n");
	/* the handshake takes too long, or fails */
	conf.tls_active = false;
	script_check(&conf, GREETING "C: STARTTLS\nS: 220 *\nW: 300000\n"
				     "S: 421 4.4.2 *\nE: refused 421\n");
	script_check(&conf, GREETING "C: STARTTLS\nS: 220 *\nZ:\nE: closed\n");
}

/* RFC 3207 4.2: who was authenticated in clear is not so under TLS. */
static void
test_starttls_drops_auth(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	conf.mechs_clear = "SCRAM-SHA-256";
	conf.auth_required = true;
	script_check(&conf, GREETING
		"C: HELO a\nE: helo a\nS: 250 *\n"
		"C: AUTH SCRAM-SHA-256\nE: auth *\nS: 235 *\n" START_TLS
			TLS_EHLO
		"C: MAIL FROM:<>\nS: 530 5.7.0 *\nE: refused 530\n"
		"C: AUTH PLAIN =\nE: auth *\nS: 235 *\n"
		"C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n");
}

static void
feed_events(struct machine *m, const char *text)
{
	struct smtp_event e;
	struct reply r;
	struct str in = str_of(text);

	while (in.n > 0) {
		size_t taken = machine_feed(m, in);

		in = str_skip(in, taken);
		while (machine_next(m, &e))
			if (script_asks(e.kind)) {
				script_default_answer(e.kind, &r);
				machine_feed(m, in);
				machine_answer(m, &r);
			}
		if (taken == 0)
			break;
	}
}

/*
 * Commands injected behind STARTTLS or ATRN are never acted on, wherever the
 * input was cut: the connection closes.
 */
static void
test_octets_behind(void **state)
{
	static const struct {
		const char *first, *command;
	} cases[] = {
		{"EHLO a\r\n", "STARTTLS\r\n"},
		{"EHLO a\r\nAUTH PLAIN =\r\n", "ATRN\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[100];
		size_t n, first = strlen(cases[i].first);

		snprintf(text, sizeof(text), "%s%sMAIL FROM:<x@y.example>\r\n",
			cases[i].first, cases[i].command);
		n = strlen(text);
		for (size_t cut = first; cut <= n; cut++) {
			struct smtp_server_conf conf = secure_conf();
			struct smtp_server *s;
			struct machine *m;
			char part[100];

			conf.extensions |= EXT_ATRN;
			conf.mechs_clear = "PLAIN";
			s = smtp_server_new(&conf, 0);
			m = smtp_server_machine(s);
			snprintf(part, sizeof(part), "%.*s", (int)cut, text);
			feed_events(m, part);
			feed_events(m, text + cut);
			assert_int_equal(machine_want(m), WANT_CLOSE);
			if (cut == first)
				assert_non_null(memmem(machine_out(m).p,
					machine_out(m).n, "421 4.7.0", 9));
			assert_null(memmem(
				machine_out(m).p, machine_out(m).n, "503", 3));
			assert_null(memmem(machine_out(m).p, machine_out(m).n,
				"\n250 2.1", 8));
			machine_free(m);
		}
	}
}

/* The line says why, and the log learns it. */
static void
test_octets_behind_are_told(void **state)
{
	struct smtp_server_conf conf = secure_conf();
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct smtp_event e;

	(void)state;
	machine_sent(m, machine_out(m).n);
	assert_int_equal(machine_feed(m, STR("STARTTLS\r\nN")), 10);
	assert_true(str_starts_nocase(machine_out(m), STR("421 4.7.0 ")));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_REFUSED);
	assert_int_equal(e.reply->code, 421);
	machine_free(m);
}

static void
test_tls_required(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	conf.tls_required = true;
	conf.mechs_clear = "SCRAM-SHA-256";
	script_check(&conf, GREETING CLEAR_EHLO STILL_HERE
		"C: MAIL FROM:<>\nS: 530 5.7.0 *STARTTLS*\nE: refused 530\n"
		"C: RCPT TO:<a@b.example>\nS: 530 *\nE: refused 530\n"
		"C: DATA\nS: 530 *\nE: refused 530\n"
		"C: BDAT 6\nc: QUIT\\r\\n\nS: 530 *\nE: refused 530\n"
		"C: RSET\nS: 530 *\nE: refused 530\n"
		"C: VRFY x\nS: 530 *\nE: refused 530\n"
		"C: HELP\nS: 530 *\nE: refused 530\n"
		"C: HELO x\nS: 530 *\nE: refused 530\n"
		"C: AUTH SCRAM-SHA-256\nS: 530 *\n"
		"E: refused 530\n" START_TLS TLS_EHLO
		"C: MAIL FROM:<>\nS: 250 *\nE: mail <>\n");
	script_check(&conf, GREETING "C: QUIT\nS: 221 *\nE: quit\n");
}

/* --- AUTH ----------------------------------------------------------------- */

static void
test_auth(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	conf.tls_active = true;
	/* at once, and by steps */
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH plain AGEAYg==\n"
		"E: auth PLAIN with AGEAYg==\n"
		"S: 235 2.7.0 Authenticated\n"
		"C: AUTH PLAIN =\nS: 503 5.5.1 *\nE: refused 503\n" TLS_EHLO_AUTHENTICATED
		"C: MAIL FROM:<> AUTH=<>\nS: 250 *\nE: mail <>\n");
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH SCRAM-SHA-256\n"
		"A: 334 \nA: 334 Y2hhbGxlbmdl\nA: 235 2.7.0 well done\n"
		"E: auth SCRAM-SHA-256 bare\n"
		"S: 334 \n"
		"C: Zmlyc3Q=\n"
		"E: response Zmlyc3Q=\n"
		"S: 334 Y2hhbGxlbmdl\n"
		"c: \\r\\n\n"
		"E: response \n"
		"S: 235 2.7.0 well done\n" STILL_HERE);
	/* refused by the host: another try is free */
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH PLAIN =\n"
		"A: 535 5.7.8 wrong\nA: 235 2.7.0 right\n"
		"E: auth PLAIN with =\n"
		"S: 535 5.7.8 wrong\n"
		"C: AUTH PLAIN AAA=\nE: auth PLAIN with AAA=\nS: 235 *\n");
	/* cancelled */
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH PLAIN\nA: 334 \nE: auth PLAIN bare\nS: 334 \n"
		"C: *\nE: cancel\nS: 501 5.7.0 *cancel*\nE: refused 501\n" STILL_HERE);
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH PLAIN\nA: 334 \nE: auth PLAIN bare\nS: 334 \n"
		"c: AA\\nAA\\r\\n\n"
		"E: cancel\nS: 501 5.5.2 *\nE: refused 501\n" STILL_HERE);
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH PLAIN\nA: 334 \nE: auth PLAIN bare\nS: 334 \n"
		"W: 300000\nS: 421 4.4.2 *\nE: refused 421\n");
}

static void
test_auth_refused(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	/* not in clear, though TLS would allow it */
	conf.mechs_clear = "SCRAM-SHA-256";
	script_check(&conf, GREETING "C: EHLO a\nE: ehlo a\nS: 250-*\n"
				     "S: 250-CHUNKING\nS: 250-STARTTLS\n"
				     "S: 250 AUTH SCRAM-SHA-256\n"
				     "C: AUTH PLAIN =\nS: 504 5.5.4 *TLS*\n"
				     "E: refused 504\n"
				     "C: AUTH GSSAPI\nS: 504 5.5.4 *\n"
				     "E: refused 504\n"
				     "C: AUTH\nS: 501 5.5.4 *\n"
				     "E: refused 501\n" STILL_HERE);
	conf.tls_active = true;
	script_check(&conf, GREETING "C: AUTH PLAIN =\nS: 503 *EHLO first\n"
				     "E: refused 503\n" TLS_EHLO
				     "C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n"
				     "C: AUTH PLAIN =\nS: 503 5.5.1 *\n"
				     "E: refused 503\n");
	/* three wrong passwords */
	conf.errors_max = 3;
	script_check(&conf, GREETING TLS_EHLO
		"C: AUTH PLAIN =\nA: 535 5.7.8 no\nS: 535 5.7.8 no\n"
		"C: AUTH PLAIN =\nA: 535 5.7.8 no\nS: 535 5.7.8 no\n"
		"C: AUTH PLAIN =\nA: 535 5.7.8 no\nS: 535 5.7.8 no\n"
		"E: auth *\nE: auth *\nE: auth *\n"
		"S: 421 4.7.0 *\nE: refused 421\n");
}

static void
test_auth_line_limit(void **state)
{
	struct smtp_server_conf conf = secure_conf();
	struct buf script;

	(void)state;
	conf.tls_active = true;
	buf_init(&script, 0);
	buf_addz(&script, GREETING TLS_EHLO "C: AUTH PLAIN\nA: 334 \nA: 334 \n"
					    "E: auth PLAIN bare\nS: 334 \nC: ");
	for (int i = 0; i < WIRE_SASL_LINE_MAX; i++)
		buf_addz(&script, "A");
	buf_addz(&script, "\nE: response A*\nS: 334 \nC: ");
	for (int i = 0; i < WIRE_SASL_LINE_MAX + 1; i++)
		buf_addz(&script, "A");
	buf_addz(&script, "\nE: cancel\nS: 500 5.5.6 *\n"
			  "E: refused 500\n" STILL_HERE "C: NOOP ");
	/* commands have their own limit again */
	for (int i = 0; i < WIRE_COMMAND_MAX; i++)
		buf_addz(&script, "x");
	buf_addz(&script, "\nS: 500 5.5.2 *\nE: refused 500\n");
	script_check(&conf, buf_z(&script));
	buf_free(&script);
}

/* No password reaches a log by EV_REFUSED. */
static void
test_secrets_are_not_told(void **state)
{
	struct smtp_server_conf conf = secure_conf();
	struct smtp_server *s;
	struct machine *m;
	struct smtp_event e;
	static const char *const lines[] = {"EHLO a\r\n",
		"AUTH NONE c2VjcmV0\r\n", "c2VjcmV0\r\n", "AUTH PLAIN\r\n",
		"c2VjcmV0\\\nx\r\n", "c2VjcmV0 c2VjcmV0\r\n"};

	(void)state;
	conf.tls_active = true;
	s = smtp_server_new(&conf, 0);
	m = smtp_server_machine(s);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct reply r;

		machine_feed(m, str_of(lines[i]));
		while (machine_next(m, &e)) {
			if (e.kind == EV_REFUSED)
				assert_null(
					memmem(e.text.p, e.text.n, "c2Vj", 4));
			if (script_asks(e.kind)) {
				reply_set(&r, 334, "", "%s", "");
				machine_answer(m, &r);
			}
		}
	}
	assert_null(memmem(machine_out(m).p, machine_out(m).n, "c2Vj", 4));
	machine_free(m);
}

static void
test_auth_required(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	conf.tls_active = true;
	conf.auth_required = true;
	conf.extensions |= EXT_ETRN;
	script_check(&conf, GREETING
		"C: HELO a\nE: helo a\nS: 250 *\n"
		"C: MAIL FROM:<>\nS: 530 5.7.0 *\nE: refused 530\n"
		"C: ETRN a.example\nS: 530 5.7.0 *\nE: refused 530\n"
		"C: BDAT 6\nc: QUIT\\r\\n\nS: 530 *\nE: refused 530\n" STILL_HERE
		"C: AUTH PLAIN =\nE: auth *\nS: 235 *\n"
		"C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n");
}

/* --- the same by sasl.h, both sides --------------------------------------- */

struct account {
	struct verifier verifier;
	struct sasl_server *sasl;
};

static bool
find_account(void *arg, const char *name, struct verifier_pair *pair_r)
{
	pair_r->present = ((struct account *)arg)->verifier;
	return strcmp(name, "aurora") == 0;
}

/* How a host answers EV_AUTH_START and EV_AUTH_DATA. */
static void
host_step(struct account *a, const struct smtp_event *e, struct reply *r)
{
	struct buf challenge;

	buf_init(&challenge, 0);
	if (e->kind == EV_AUTH_START) {
		char mech[32];

		str_copy(mech, sizeof(mech), e->text);
		a->sasl = sasl_server_new(mech, "h", NULL, find_account, a);
	}
	switch (sasl_server_step(a->sasl, e->data, &challenge)) {
	case SASL_MORE:
		reply_set(r, 334, "", "%s", buf_z(&challenge));
		break;
	case SASL_OK:
		reply_set(r, 235, "2.7.0", "Authenticated");
		break;
	case SASL_FAILED:
		reply_set(r, 535, "5.7.8", "Wrong");
		break;
	case SASL_SYNTAX:
		reply_set(r, 501, "5.5.2", "No base64");
		break;
	}
	buf_free(&challenge);
	if (r->code != 334) {
		sasl_server_free(a->sasl);
		a->sasl = NULL;
	}
}

/* Gives LINE to the machine; the reply, without CRLF, is in REPLY. */
static void
say(struct machine *m, struct account *a, const char *line, char *reply,
	size_t size)
{
	struct smtp_event e;
	struct reply r;
	struct str out;

	machine_sent(m, machine_out(m).n);
	machine_feed(m, str_of(line));
	machine_feed(m, STR("\r\n"));
	while (machine_next(m, &e))
		if (script_asks(e.kind)) {
			host_step(a, &e, &r);
			machine_answer(m, &r);
		}
	out = machine_out(m);
	assert_true(out.n >= 2);
	out.n -= 2;
	assert_true(str_copy(reply, size, out));
}

static int
authenticate(struct machine *m, struct account *a, const char *mech,
	const char *password)
{
	struct sasl_client *c = sasl_client_new(
		str_of(mech), &(struct sasl_client_conf){.user = "aurora",
				      .password = password,
				      .secure = true});
	char line[2048], reply[2048];
	struct buf out;
	bool initial;

	buf_init(&out, 0);
	sasl_client_step(c, (struct str){NULL, 0}, &out, &initial);
	snprintf(line, sizeof(line), "AUTH %s%s%s", mech, initial ? " " : "",
		buf_z(&out));
	say(m, a, line, reply, sizeof(reply));
	while (strncmp(reply, "334 ", 4) == 0) {
		enum sasl_step step;

		buf_clear(&out);
		step = sasl_client_step(c, str_of(reply + 4), &out, &initial);
		assert_true(step == SASL_MORE || step == SASL_OK);
		snprintf(line, sizeof(line), "%s", buf_z(&out));
		say(m, a, line, reply, sizeof(reply));
	}
	assert_true(strncmp(reply, "235", 3) != 0 || sasl_client_is_done(c));
	sasl_client_free(c);
	buf_free(&out);
	return atoi(reply);
}

static void
test_mechanisms_end_to_end(void **state)
{
	static const char *const mechs[] = {
		"SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"};
	struct smtp_server_conf conf = secure_conf();
	static const struct tls_facts facts;
	char mechs_tls[SASL_MECHS_MAX];
	struct account a = {0};
	char reply[2048];

	(void)state;
	conf.tls_active = true;
	sasl_mechs_server(&facts, false, true, mechs_tls);
	conf.mechs_tls = mechs_tls;
	verifier_make("open sesame", true, &a.verifier, NULL);
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		struct smtp_server *s = smtp_server_new(&conf, 0);
		struct machine *m = smtp_server_machine(s);

		say(m, &a, "EHLO a", reply, sizeof(reply));
		assert_int_equal(authenticate(m, &a, mechs[i], "open"), 535);
		assert_false(smtp_server_is_authenticated(s));
		assert_int_equal(
			authenticate(m, &a, mechs[i], "open sesame"), 235);
		assert_true(smtp_server_is_authenticated(s));
		machine_free(m);
	}
}

/* --- ATRN, ETRN, odmr, turned sessions ------------------------------------ */

static struct smtp_server_conf
odmr_conf(void)
{
	struct smtp_server_conf conf = secure_conf();

	conf.odmr = true;
	conf.extensions = EXT_PIPELINING | EXT_SIZE | EXT_CHUNKING | EXT_AUTH |
			  EXT_ATRN | EXT_ENHANCEDSTATUSCODES;
	conf.mechs_clear = "CRAM-MD5";
	return conf;
}

#define ODMR_EHLO                                                              \
	"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-PIPELINING\n"                  \
	"S: 250-ENHANCEDSTATUSCODES\nS: 250-AUTH CRAM-MD5\nS: 250 ATRN\n"
#define ODMR_AUTH "C: AUTH CRAM-MD5\nE: auth CRAM-MD5 bare\nS: 235 *\n"

static void
test_odmr(void **state)
{
	struct smtp_server_conf conf = odmr_conf();

	(void)state;
	/* RFC 2645 5.2.1: before AUTH always 530 */
	script_check(&conf, GREETING
		"C: ATRN\nS: 530 5.7.0 *\nE: refused 530\n" ODMR_EHLO
		"C: ATRN a.example\nS: 530 5.7.0 *\nE: refused 530\n"
		"C: ATRN bad,\nS: 530 5.7.0 *\nE: refused 530\n"
		"C: MAIL FROM:<>\nS: 502 5.5.1 *\nE: refused 502\n"
		"C: RCPT TO:<a@b.example>\nS: 502 5.5.1 *\nE: refused 502\n"
		"C: DATA\nS: 502 5.5.1 *\nE: refused 502\n"
		"C: BDAT 6\nc: QUIT\\r\\n\nS: 502 *\nE: refused 502\n"
		"C: VRFY x\nS: 502 *\nE: refused 502\n"
		"C: ETRN x.example\nS: 502 *\nE: refused 502\n" ODMR_AUTH
		"C: MAIL FROM:<>\nS: 502 5.5.1 *\nE: refused 502\n" STILL_HERE
		"C: ATRN\nE: atrn \nS: 250 *\n");
	/* what the provider says no to leaves the session as it was (P14) */
	script_check(&conf, GREETING ODMR_EHLO ODMR_AUTH
		"A: 235 2.7.0 ok\n"
		"A: 450 4.7.1 not yours\nA: 451 4.4.3 directory\n"
		"A: 453 4.2.0 You have no mail\nA: 250 2.0.0 turning\n"
		"C: ATRN a.example,b.c.example\nE: atrn a.example,b.c.example\n"
		"S: 450 4.7.1 not yours\n"
		"C: ATRN a.example\nE: atrn a.example\nS: 451 4.4.3 *\n"
		"C: ATRN\nE: atrn \nS: 453 4.2.0 You have no mail\n"
		"C: ATRN\nE: atrn \nS: 250 2.0.0 turning\n");
	script_check(&conf, GREETING ODMR_EHLO ODMR_AUTH
		"A: 235 2.7.0 ok\nA: 453 4.2.0 You have no mail\n"
		"C: ATRN\nC: QUIT\nE: atrn \nS: 453 *\nE: quit\nS: 221 *\n");
}

static void
test_odmr_tls(void **state)
{
	struct smtp_server_conf conf = odmr_conf();

	(void)state;
	conf.tls_required = true;
	conf.extensions = EXT_STARTTLS | EXT_AUTH | EXT_ATRN;
	conf.mechs_tls = "CRAM-MD5";
	script_check(&conf, GREETING
		"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-STARTTLS\n"
		"S: 250 ATRN\n"
		"C: AUTH CRAM-MD5\nS: 530 *STARTTLS*\nE: refused 530\n" START_TLS
		"C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-AUTH CRAM-MD5\n"
		"S: 250 ATRN\n" ODMR_AUTH "C: ATRN\nE: atrn \nS: 250 *\n");
}

static void
test_atrn_arguments(void **state)
{
	static const struct {
		const char *args;
		bool good;
	} cases[] = {
		{"a.example", true},
		{"A.EXAMPLE,b.example", true},
		{"a-b.c.d.example", true},
		{"example", false},
		{"a.example,", false},
		{",a.example", false},
		{"a.example,,b.example", false},
		{"a.example, b.example", false},
		{"a.example b.example", false},
		{"a.example ,b.example", false},
		{"a.example.", false},
		{".example", false},
		{"a_b.example", false},
		{"-a.example", false},
		{"[192.0.2.1]", false},
		{"a.example,example", false},
		{",", false},
	};
	struct smtp_server_conf conf = odmr_conf();
	char script[1024];
	struct buf many;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			GREETING ODMR_EHLO ODMR_AUTH "C: ATRN %s\n%s",
			cases[i].args,
			cases[i].good
				? "E: atrn *\nS: 250 *\n"
				: "S: 501 5.5.4 *\nE: refused 501\n" STILL_HERE);
		script_check(&conf, script);
	}
	buf_init(&many, 0);
	buf_addz(&many, GREETING ODMR_EHLO ODMR_AUTH "C: ATRN a.b");
	for (int i = 0; i < WIRE_ATRN_DOMAINS_MAX; i++)
		buf_addf(&many, ",a%d.example", i);
	buf_addz(&many, "\nS: 501 5.5.4 *too many*\nE: refused 501\n");
	script_check(&conf, buf_z(&many));
	buf_free(&many);
}

static void
test_turned(void **state)
{
	struct smtp_server_conf conf = secure_conf();

	(void)state;
	conf.turned = true;
	conf.tls_active = true;
	conf.extensions = EXT_STARTTLS | EXT_AUTH | EXT_ATRN | EXT_CHUNKING;
	conf.mechs_clear = conf.mechs_tls;
	script_check(&conf,
		GREETING "C: EHLO a\nE: ehlo a\nS: 250-*\nS: 250 CHUNKING\n"
			 "C: STARTTLS\nS: 502 5.5.1 *\nE: refused 502\n"
			 "C: AUTH PLAIN =\nS: 502 5.5.1 *\nE: refused 502\n"
			 "C: ATRN\nS: 502 5.5.1 *\nE: refused 502\n"
			 "C: MAIL FROM:<> AUTH=<>\nS: 555 *\nE: refused 555\n"
			 "C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n");
}

static void
test_etrn(void **state)
{
	static const struct {
		const char *args;
		bool good;
	} cases[] = {{"a.example", true}, {"@a.example", true},
		{"#queue", true}, {"", false}, {"@", false}, {"#", false},
		{"a b", false}, {"a..b", false}};
	struct smtp_server_conf conf = script_conf();
	char script[512];

	(void)state;
	conf.extensions = EXT_ETRN;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			GREETING "C: EHLO a\nE: ehlo a\nS: 250-*\n"
				 "S: 250 ETRN\nC: ETRN %s\n%s",
			cases[i].args,
			cases[i].good ? "A: 253 5 pending\nE: etrn *\n"
					"S: 253 2.0.0 5 pending\n"
				      : "S: 501 5.5.4 *\nE: refused 501\n");
		script_check(&conf, script);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_starttls_drops_auth),
		cmocka_unit_test(test_octets_behind),
		cmocka_unit_test(test_octets_behind_are_told),
		cmocka_unit_test(test_tls_required),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_auth_refused),
		cmocka_unit_test(test_auth_line_limit),
		cmocka_unit_test(test_secrets_are_not_told),
		cmocka_unit_test(test_auth_required),
		cmocka_unit_test(test_mechanisms_end_to_end),
		cmocka_unit_test(test_odmr),
		cmocka_unit_test(test_odmr_tls),
		cmocka_unit_test(test_atrn_arguments),
		cmocka_unit_test(test_turned),
		cmocka_unit_test(test_etrn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
