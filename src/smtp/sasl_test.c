#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/sasl.h"
#include "wire/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- accounts ------------------------------------------------------------- */

static struct verifier aurora, gull;
static unsigned lookups;

static bool
lookup(void *arg, const char *name, struct verifier_pair *pair_r)
{
	(void)arg;
	lookups++;
	if (strcmp(name, "aurora") == 0)
		pair_r->present = aurora;
	else if (strcmp(name, "gull") == 0)
		pair_r->present = gull;
	else if (strcmp(name, "empty") == 0)
		pair_r->present = (struct verifier){0};
	else
		return false;
	return true;
}

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(
		verifier_make("correct horse", true, &aurora, NULL), OK);
	assert_int_equal(verifier_make("feather", false, &gull, NULL), OK);
	return 0;
}

/* --- TLS ------------------------------------------------------------------ */

static const struct tls_facts tls_13 = {.version = "TLSv1.3",
	.cb_exporter = "an exporter of 32 octets, or so",
	.has_exporter = true};
static const struct tls_facts tls_12 = {.version = "TLSv1.2",
	.cb_exporter = "an exporter of 32 octets, or so",
	.has_exporter = true,
	.cb_unique = "twelve octet",
	.cb_unique_n = 12};
static const struct tls_facts tls_old = {.version = "TLSv1.2"};
static const struct tls_facts tls_other = {.version = "TLSv1.3",
	.cb_exporter = "an exporter of another channel",
	.has_exporter = true};
static const struct tls_facts tls_named = {.version = "TLSv1.3",
	.peer_name = "aurora",
	.verified = true,
	.has_exporter = true};

static struct sasl_server *
server_for(const char *mech, const struct tls_facts *tls)
{
	return sasl_server_new(mech, "mail.example.org", tls, lookup, NULL);
}

static struct sasl_client *
client_for(const char *offered, const char *user, const char *password,
	const struct tls_facts *tls)
{
	return sasl_client_new(
		str_of(offered), &(struct sasl_client_conf){.user = user,
					 .password = password,
					 .secure = true,
					 .tls = tls});
}

/* --- client against server ------------------------------------------------ */

/* SERVER's step on LINE; the challenge comes as a terminated text. */
static enum sasl_step
server_step(struct sasl_server *server, struct str line, char *out, size_t size)
{
	struct buf b;
	enum sasl_step step;

	buf_init(&b, 0);
	step = sasl_server_step(server, line, &b);
	assert_true(str_copy(out, size, buf_view(&b)));
	buf_free(&b);
	return step;
}

static enum sasl_step
client_step(struct sasl_client *client, struct str challenge, char *out,
	size_t size, bool *initial_r)
{
	struct buf b;
	enum sasl_step step;

	buf_init(&b, 0);
	step = sasl_client_step(client, challenge, &b, initial_r);
	assert_true(str_copy(out, size, buf_view(&b)));
	buf_free(&b);
	return step;
}

static const struct str none = {NULL, 0};

/* The whole exchange, as SMTP would carry it. *client_r: what it believes. */
static enum sasl_step
exchange(const char *mech, const char *user, const char *password,
	bool hold_initial, bool *client_done_r)
{
	struct sasl_client *c = client_for(mech, user, password, &tls_old);
	struct sasl_server *s = server_for(mech, &tls_old);
	char line[4096], challenge[4096], initial_line[4096];
	bool initial, unused;
	enum sasl_step step, client;

	assert_non_null(c);
	assert_non_null(s);
	assert_string_equal(sasl_client_mech(c), mech);
	client = client_step(
		c, none, initial_line, sizeof(initial_line), &initial);
	if (initial && !hold_initial) {
		step = server_step(
			s, str_of(initial_line), challenge, sizeof(challenge));
	} else {
		step = server_step(s, none, challenge, sizeof(challenge));
		assert_int_equal(step, SASL_MORE);
		if (initial) {
			assert_string_equal(challenge, "");
			step = server_step(s, str_of(initial_line), challenge,
				sizeof(challenge));
		}
	}
	while (step == SASL_MORE) {
		assert_int_equal(client, SASL_MORE);
		client = client_step(
			c, str_of(challenge), line, sizeof(line), &unused);
		if (client == SASL_FAILED || client == SASL_SYNTAX)
			break;
		step = server_step(
			s, str_of(line), challenge, sizeof(challenge));
	}
	*client_done_r = sasl_client_is_done(c);
	if (step == SASL_OK)
		assert_string_equal(sasl_server_name(s), user);
	sasl_client_free(c);
	sasl_server_free(s);
	return step;
}

static void
test_exchanges(void **state)
{
	static const struct {
		const char *mech, *user, *password;
		enum sasl_step want;
	} cases[] = {
		{"SCRAM-SHA-256", "aurora", "correct horse", SASL_OK},
		{"SCRAM-SHA-256", "aurora", "wrong horse", SASL_FAILED},
		{"SCRAM-SHA-256", "nobody", "correct horse", SASL_FAILED},
		{"SCRAM-SHA-256", "empty", "x", SASL_FAILED},
		{"SCRAM-SHA-256", "gull", "feather", SASL_OK},
		{"CRAM-MD5", "aurora", "correct horse", SASL_OK},
		{"CRAM-MD5", "aurora", "wrong horse", SASL_FAILED},
		{"CRAM-MD5", "nobody", "correct horse", SASL_FAILED},
		/* no secret is kept for that account */
		{"CRAM-MD5", "gull", "feather", SASL_FAILED},
		{"PLAIN", "aurora", "correct horse", SASL_OK},
		{"PLAIN", "aurora", "wrong horse", SASL_FAILED},
		{"PLAIN", "nobody", "correct horse", SASL_FAILED},
		{"PLAIN", "empty", "x", SASL_FAILED},
		{"LOGIN", "aurora", "correct horse", SASL_OK},
		{"LOGIN", "aurora", "wrong horse", SASL_FAILED},
		{"LOGIN", "nobody", "correct horse", SASL_FAILED},
	};
	bool done;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int hold = 0; hold < 2; hold++) {
			lookups = 0;
			assert_int_equal(
				exchange(cases[i].mech, cases[i].user,
					cases[i].password, hold, &done),
				cases[i].want);
			assert_int_equal(lookups, 1);
			if (cases[i].want == SASL_OK)
				assert_true(done);
			if (strcmp(cases[i].mech, "SCRAM-SHA-256") == 0)
				assert_int_equal(
					done, cases[i].want == SASL_OK);
		}
	}
}

/* --- the server, line by line --------------------------------------------- */

static void
encode(const char *p, size_t n, char *out)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789+/";
	const unsigned char *u = (const unsigned char *)p;

	for (size_t i = 0; i < n; i += 3) {
		unsigned b = (unsigned)u[i] << 16 |
			     (i + 1 < n ? (unsigned)u[i + 1] << 8 : 0) |
			     (i + 2 < n ? u[i + 2] : 0);

		*out++ = abc[b >> 18];
		*out++ = abc[b >> 12 & 63];
		*out++ = i + 1 < n ? abc[b >> 6 & 63] : '=';
		*out++ = i + 2 < n ? abc[b & 63] : '=';
	}
	*out = '\0';
}

static enum sasl_step
one_line(const char *mech, struct str line)
{
	struct sasl_server *s = server_for(mech, NULL);
	char challenge[4096];
	enum sasl_step step;

	assert_non_null(s);
	step = server_step(s, line, challenge, sizeof(challenge));
	sasl_server_free(s);
	return step;
}

static void
test_base64_is_strict(void **state)
{
	static const char *const bad[] = {"A", "AB", "ABC", "ABCDE", "=AAA",
		"AAA=BBBB", "A===", "====", "AA=A", "AAB=A", "AA A", "AAA\t",
		"AAA\n", "AA-_", "QQ=", "QR==", "QUJ=", "QQ==QQ==", "*"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			one_line("PLAIN", str_of(bad[i])), SASL_SYNTAX);
		assert_int_equal(
			one_line("LOGIN", str_of(bad[i])), SASL_SYNTAX);
		assert_int_equal(
			one_line("SCRAM-SHA-256", str_of(bad[i])), SASL_SYNTAX);
	}
}

static void
test_plain_messages(void **state)
{
	static const struct {
		struct str message;
		enum sasl_step want;
	} cases[] = {
		{STR("\0aurora\0correct horse"), SASL_OK},
		{STR("aurora\0aurora\0correct horse"), SASL_OK},
		/* acting for another is refused, right password or not */
		{STR("gull\0aurora\0correct horse"), SASL_FAILED},
		{STR("\0aurora\0correct hors"), SASL_FAILED},
		{STR("\0aurora\0correct horse\0"), SASL_FAILED},
		{STR("\0aurora\0"), SASL_FAILED},
		{STR("\0\0correct horse"), SASL_FAILED},
		{STR("\0aurora"), SASL_SYNTAX},
		{STR("aurora"), SASL_SYNTAX},
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum sasl_step got;

		encode(cases[i].message.p, cases[i].message.n, line);
		got = one_line("PLAIN", str_of(line));
		/* malformed may be told as either "no" */
		if (cases[i].want == SASL_OK || got == SASL_OK)
			assert_int_equal(got, cases[i].want);
	}
	assert_int_equal(one_line("PLAIN", STR("=")), SASL_SYNTAX);
	assert_int_equal(one_line("PLAIN", STR("")), SASL_SYNTAX);
}

static void
test_login_questions(void **state)
{
	struct sasl_server *s = server_for("login", NULL);
	char challenge[256];

	(void)state;
	/* the very words that old clients compare with */
	assert_int_equal(
		server_step(s, none, challenge, sizeof(challenge)), SASL_MORE);
	assert_string_equal(challenge, "VXNlcm5hbWU6");
	assert_int_equal(
		server_step(s, STR("YXVyb3Jh"), challenge, sizeof(challenge)),
		SASL_MORE);
	assert_string_equal(challenge, "UGFzc3dvcmQ6");
	assert_int_equal(server_step(s, STR("Y29ycmVjdCBob3JzZQ=="), challenge,
				 sizeof(challenge)),
		SASL_OK);
	sasl_server_free(s);

	/* the name as initial response */
	s = server_for("LOGIN", NULL);
	assert_int_equal(
		server_step(s, STR("YXVyb3Jh"), challenge, sizeof(challenge)),
		SASL_MORE);
	assert_string_equal(challenge, "UGFzc3dvcmQ6");
	sasl_server_free(s);
}

static void
test_cram_takes_no_initial_response(void **state)
{
	(void)state;
	assert_int_equal(one_line("CRAM-MD5", STR("YXVyb3Jh")), SASL_SYNTAX);
	assert_int_equal(one_line("CRAM-MD5", STR("=")), SASL_SYNTAX);
}

static void
test_unknown_mechanism(void **state)
{
	(void)state;
	assert_null(server_for("GSSAPI", NULL));
	assert_null(server_for("", NULL));
	assert_null(server_for("SCRAM-SHA-256-PLUS", NULL));
}

/* Printable text in well-formed base64. */
static void
decode(const char *in, char *out)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh"
				  "ijklmnopqrstuvwxyz0123456789+/";

	for (; *in; in += 4) {
		unsigned b = 0;

		for (size_t k = 0; k < 4; k++) {
			const char *d = strchr(abc, in[k]);

			b = b << 6 | (d ? (unsigned)(d - abc) : 0);
		}
		*out++ = (char)(b >> 16);
		*out++ = (char)(b >> 8);
		*out++ = (char)b;
	}
	*out = '\0';
}

/* The salt and rounds a server shows for NAME, without its fresh nonce. */
static void
shown_salt(const char *name, char *out, size_t size)
{
	struct sasl_server *s = server_for("SCRAM-SHA-256", NULL);
	char message[256], line[512], challenge[1024], shown[1024];
	const char *salt;
	int n = snprintf(message, sizeof(message), "n,,n=%s,r=abcdefgh", name);

	encode(message, (size_t)n, line);
	assert_int_equal(
		server_step(s, str_of(line), challenge, sizeof(challenge)),
		SASL_MORE);
	decode(challenge, shown);
	salt = strstr(shown, ",s=");
	assert_non_null(salt);
	assert_true(str_copyz(out, size, salt));
	sasl_server_free(s);
}

static void
test_decoy_is_stable(void **state)
{
	char first[256], again[256], other[256], real[256];

	(void)state;
	shown_salt("nobody", first, sizeof(first));
	shown_salt("nobody", again, sizeof(again));
	shown_salt("nemo", other, sizeof(other));
	shown_salt("aurora", real, sizeof(real));
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	/* same shape, same number of rounds */
	assert_int_equal(strlen(first), strlen(real));
	assert_string_equal(strrchr(first, 'i'), "i=4096");
	assert_string_equal(strrchr(real, 'i'), "i=4096");
}

static void
test_server_bounds(void **state)
{
	struct sasl_server *s = server_for("LOGIN", NULL);
	char challenge[256], *line = malloc(WIRE_SASL_LINE_MAX + 5);
	int steps = 0;

	(void)state;
	memset(line, 'A', WIRE_SASL_LINE_MAX + 4);
	line[WIRE_SASL_LINE_MAX + 4] = '\0';
	assert_int_equal(one_line("PLAIN", str_of(line)), SASL_SYNTAX);
	assert_int_equal(one_line("SCRAM-SHA-256", str_of(line)), SASL_SYNTAX);
	/* a name above the limit is nobody's */
	line[400] = '\0';
	memset(line, 'Y', 400);
	assert_int_equal(one_line("LOGIN", str_of(line)), SASL_FAILED);
	free(line);
	/* nobody asks for ever */
	while (server_step(s, STR("YXVyb3Jh"), challenge, sizeof(challenge)) ==
		SASL_MORE)
		assert_true(++steps < 10);
	sasl_server_free(s);
}

/* --- the client ----------------------------------------------------------- */

static void
test_client_chooses(void **state)
{
	static const struct {
		const char *offered;
		bool tls, clear;
		const char *want;
	} cases[] = {
		{"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", true, false,
			"SCRAM-SHA-256"},
		{"PLAIN LOGIN CRAM-MD5", true, false, "CRAM-MD5"},
		{"LOGIN PLAIN", true, false, "PLAIN"},
		{"login", true, false, "LOGIN"},
		{"GSSAPI XOAUTH2", true, true, NULL},
		{"", true, true, NULL},
		{"PLAINER SCRAM-SHA-256-PLUS", true, true, NULL},
		{"PLAIN LOGIN", false, true, NULL},
		{"PLAIN CRAM-MD5", false, true, "CRAM-MD5"},
		{"CRAM-MD5 SCRAM-SHA-256", false, true, "SCRAM-SHA-256"},
		{"CRAM-MD5 SCRAM-SHA-256", false, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sasl_client *c =
			sasl_client_new(str_of(cases[i].offered),
				&(struct sasl_client_conf){.user = "u",
					.password = "p",
					.secure = cases[i].tls,
					.clear_allowed = cases[i].clear});

		if (cases[i].want)
			assert_string_equal(sasl_client_mech(c), cases[i].want);
		else
			assert_null(c);
		sasl_client_free(c);
	}
}

/* A client that has sent its first SCRAM message; its nonce in NONCE. */
static struct sasl_client *
scram_client(char *first, size_t size)
{
	struct sasl_client *c =
		client_for("SCRAM-SHA-256", "aurora", "correct horse", NULL);
	bool initial;

	assert_int_equal(
		client_step(c, none, first, size, &initial), SASL_MORE);
	assert_true(initial);
	return c;
}

/* What the client says to its own nonce, made longer, between HEAD and TAIL. */
static enum sasl_step
challenge_client(const char *head, const char *tail)
{
	char line[1024], text[1024], encoded[2048];
	struct sasl_client *c = scram_client(line, sizeof(line));
	enum sasl_step step;
	bool unused;

	decode(line, text);
	assert_non_null(strstr(text, ",r="));
	snprintf(line, sizeof(line), "%s%sx%s", head, strstr(text, ",r=") + 1,
		tail);
	encode(line, strlen(line), encoded);
	step = client_step(c, str_of(encoded), line, sizeof(line), &unused);
	assert_false(sasl_client_is_done(c));
	/* a refusal is for good */
	if (step == SASL_FAILED)
		assert_int_equal(client_step(c, str_of(encoded), line,
					 sizeof(line), &unused),
			SASL_FAILED);
	sasl_client_free(c);
	return step;
}

static void
test_client_refuses_odd_challenges(void **state)
{
	static const struct {
		const char *head, *tail;
		enum sasl_step want;
	} cases[] = {
		{"", ",s=QUJD,i=4096", SASL_MORE},
		{"", ",s=QUJD,i=1000000", SASL_MORE},
		{"", ",s=QUJD,i=4095", SASL_FAILED},
		{"", ",s=QUJD,i=1000001", SASL_FAILED},
		{"", ",s=QUJD,i=99999999999999999999", SASL_FAILED},
		{"", ",s=QUJD,i=", SASL_FAILED},
		{"", ",s=QUJD,i=-4096", SASL_FAILED},
		{"", ",s=QUJD", SASL_FAILED},
		{"", "", SASL_FAILED},
		{"m=ext,", ",s=QUJD,i=4096", SASL_FAILED},
		{"r=other", ",s=QUJD,i=4096", SASL_FAILED},
		{"v=", ",s=QUJD,i=4096", SASL_FAILED},
	};
	char line[1024];
	bool unused;
	struct sasl_client *c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(challenge_client(cases[i].head, cases[i].tail),
			cases[i].want);
	c = scram_client(line, sizeof(line));
	assert_int_equal(
		client_step(c, STR("no base64!"), line, sizeof(line), &unused),
		SASL_SYNTAX);
	sasl_client_free(c);
}

/* A server that does not know the verifier cannot end the exchange well. */
static void
test_client_checks_server_signature(void **state)
{
	struct sasl_server *s = server_for("SCRAM-SHA-256", NULL);
	char line[1024], challenge[1024], final[1024];
	bool unused;
	struct sasl_client *c = scram_client(line, sizeof(line));

	(void)state;
	assert_int_equal(
		server_step(s, str_of(line), challenge, sizeof(challenge)),
		SASL_MORE);
	assert_int_equal(
		client_step(c, str_of(challenge), line, sizeof(line), &unused),
		SASL_MORE);
	assert_int_equal(
		server_step(s, str_of(line), final, sizeof(final)), SASL_MORE);
	assert_false(sasl_client_is_done(c));
	/* one bit of the signature is wrong */
	final[12] = final[12] == 'A' ? 'B' : 'A';
	assert_int_equal(
		client_step(c, str_of(final), line, sizeof(line), &unused),
		SASL_FAILED);
	assert_false(sasl_client_is_done(c));
	sasl_client_free(c);
	sasl_server_free(s);
}

/* --- channel binding ------------------------------------------------------ */

/* The exchange with what each side knows of its end of the channel. */
static enum sasl_step
bound_exchange(const char *offered, const char *mech,
	const struct tls_facts *client_tls, const struct tls_facts *server_tls,
	char *first, size_t size)
{
	struct sasl_client *c =
		client_for(offered, "aurora", "correct horse", client_tls);
	struct sasl_server *s = server_for(mech, server_tls);
	char line[4096], challenge[4096];
	enum sasl_step step;
	bool unused;

	assert_non_null(c);
	assert_non_null(s);
	assert_string_equal(sasl_client_mech(c), mech);
	client_step(c, none, line, sizeof(line), &unused);
	decode(line, first);
	assert_true(strlen(first) < size);
	step = server_step(s, str_of(line), challenge, sizeof(challenge));
	while (step == SASL_MORE) {
		enum sasl_step client = client_step(
			c, str_of(challenge), line, sizeof(line), &unused);

		if (client != SASL_MORE && client != SASL_OK)
			break;
		step = server_step(
			s, str_of(line), challenge, sizeof(challenge));
	}
	assert_int_equal(step == SASL_OK, sasl_client_is_done(c));
	sasl_client_free(c);
	sasl_server_free(s);
	return step;
}

static void
test_channel_binding(void **state)
{
	static const char both[] = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
	static const struct {
		const char *offered, *mech;
		const struct tls_facts *client, *server;
		const char *flag;
		enum sasl_step want;
	} cases[] = {
		{both, "SCRAM-SHA-256-PLUS", &tls_13, &tls_13,
			"p=tls-exporter,,n=aurora,r=", SASL_OK},
		{both, "SCRAM-SHA-256-PLUS", &tls_12, &tls_12,
			"p=tls-unique,,n=aurora,r=", SASL_OK},
		/* somebody sits between two channels */
		{both, "SCRAM-SHA-256-PLUS", &tls_13, &tls_other,
			"p=tls-exporter,,", SASL_FAILED},
		/* a kind the server does not have */
		{both, "SCRAM-SHA-256-PLUS", &tls_12, &tls_13, "p=tls-unique,,",
			SASL_FAILED},
		/* neither or one of them knows the channel */
		{both, "SCRAM-SHA-256", &tls_old, &tls_old, "n,,", SASL_OK},
		{both, "SCRAM-SHA-256", &tls_old, &tls_13, "n,,", SASL_OK},
		{both, "SCRAM-SHA-256", NULL, NULL, "n,,", SASL_OK},
		/* GNU SASL cannot say "y" */
		{"SCRAM-SHA-256", "SCRAM-SHA-256", &tls_13, &tls_old, "n,,",
			SASL_OK},
		{"SCRAM-SHA-256", "SCRAM-SHA-256", &tls_12, NULL, "n,,",
			SASL_OK},
	};
	char first[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(bound_exchange(cases[i].offered, cases[i].mech,
					 cases[i].client, cases[i].server,
					 first, sizeof(first)),
			cases[i].want);
		assert_memory_equal(
			first, cases[i].flag, strlen(cases[i].flag));
	}
	assert_null(server_for("SCRAM-SHA-256-PLUS", &tls_old));
	assert_null(server_for("SCRAM-SHA-256-PLUS", NULL));
	assert_null(client_for("SCRAM-SHA-256-PLUS", "u", "p", &tls_old));
}

static enum sasl_step
first_message(const char *mech, const struct tls_facts *tls, const char *text)
{
	struct sasl_server *s = server_for(mech, tls);
	char line[512], challenge[1024];
	enum sasl_step step;

	encode(text, strlen(text), line);
	step = server_step(s, str_of(line), challenge, sizeof(challenge));
	sasl_server_free(s);
	return step;
}

/* The flag of the first message must fit the mechanism. */
static void
test_gs2_flags(void **state)
{
	static const struct {
		const char *mech, *flag;
		bool good;
	} cases[] = {
		{"SCRAM-SHA-256", "n", true},
		{"SCRAM-SHA-256", "y", false},
		{"SCRAM-SHA-256", "p=tls-exporter", false},
		{"SCRAM-SHA-256", "x", false},
		{"SCRAM-SHA-256", "", false},
		{"SCRAM-SHA-256-PLUS", "p=tls-exporter", true},
		{"SCRAM-SHA-256-PLUS", "p=tls-unique", false},
		{"SCRAM-SHA-256-PLUS", "p=tls-server-end-point", false},
		{"SCRAM-SHA-256-PLUS", "n", false},
		{"SCRAM-SHA-256-PLUS", "y", false},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s,,n=aurora,r=abcdefgh",
			cases[i].flag);
		if (cases[i].good != (first_message(cases[i].mech, &tls_13,
					      text) == SASL_MORE))
			fail_msg("%s %s", cases[i].mech, cases[i].flag);
	}
	/* "y" is no lie where the channel could not be bound */
	assert_int_equal(first_message("SCRAM-SHA-256", &tls_old,
				 "y,,n=aurora,r=abcdefgh"),
		SASL_MORE);
	assert_int_equal(first_message("SCRAM-SHA-256", &tls_13,
				 "n,a=gull,n=aurora,r=abcdefgh") == SASL_OK,
		false);
}

/* --- EXTERNAL ------------------------------------------------------------- */

static enum sasl_step
external(const char *authzid, const char *name)
{
	struct tls_facts tls = tls_named;
	struct sasl_server *s;
	char line[512], challenge[64];
	enum sasl_step step;

	assert_true(str_copyz(tls.peer_name, sizeof(tls.peer_name), name));
	s = server_for("EXTERNAL", &tls);
	assert_non_null(s);
	encode(authzid, strlen(authzid), line);
	step = server_step(s, str_of(line), challenge, sizeof(challenge));
	assert_string_equal(sasl_server_name(s), name);
	sasl_server_free(s);
	return step;
}

static void
test_external(void **state)
{
	struct tls_facts unverified = tls_named;
	struct sasl_server *s = server_for("EXTERNAL", &tls_named);
	char challenge[64];

	(void)state;
	assert_int_equal(external("", "aurora"), SASL_OK);
	assert_int_equal(external("aurora", "aurora"), SASL_OK);
	assert_int_equal(external("gull", "aurora"), SASL_FAILED);
	assert_int_equal(external("Aurora", "aurora"), SASL_FAILED);
	assert_int_equal(external("", "nobody"), SASL_FAILED);
	/* an account without a password may have a certificate */
	assert_int_equal(external("", "empty"), SASL_OK);
	/* without an initial response there is an empty question */
	assert_int_equal(
		server_step(s, none, challenge, sizeof(challenge)), SASL_MORE);
	assert_string_equal(challenge, "");
	assert_int_equal(
		server_step(s, STR(""), challenge, sizeof(challenge)), SASL_OK);
	sasl_server_free(s);
	unverified.verified = false;
	assert_null(server_for("EXTERNAL", &unverified));
	assert_null(server_for("EXTERNAL", &tls_13));
	assert_null(server_for("EXTERNAL", NULL));
}

static void
test_client_external(void **state)
{
	struct sasl_client_conf conf = {.external = true, .tls = &tls_old};
	struct sasl_client *c =
		sasl_client_new(STR("PLAIN SCRAM-SHA-256 EXTERNAL"), &conf);
	char line[64];
	bool initial;

	(void)state;
	assert_non_null(c);
	assert_string_equal(sasl_client_mech(c), "EXTERNAL");
	assert_int_equal(
		client_step(c, none, line, sizeof(line), &initial), SASL_OK);
	assert_true(initial);
	assert_string_equal(line, "=");
	assert_true(sasl_client_is_done(c));
	sasl_client_free(c);
	/* not offered: a password, where there is one */
	assert_null(sasl_client_new(STR("PLAIN SCRAM-SHA-256"), &conf));
	conf.user = "u";
	conf.password = "p";
	conf.secure = true;
	c = sasl_client_new(STR("PLAIN SCRAM-SHA-256"), &conf);
	assert_string_equal(sasl_client_mech(c), "SCRAM-SHA-256");
	sasl_client_free(c);
	/* not asked for, or no TLS: not chosen */
	conf.external = false;
	assert_null(sasl_client_new(STR("EXTERNAL"), &conf));
	conf.external = true;
	conf.tls = NULL;
	assert_null(sasl_client_new(STR("EXTERNAL"), &conf));
}

static void
test_offers(void **state)
{
	static const struct {
		const struct tls_facts *tls;
		bool clear, cram;
		const char *want;
	} cases[] = {
		{&tls_old, false, false, "SCRAM-SHA-256 PLAIN LOGIN"},
		{&tls_old, true, true, "SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN"},
		{&tls_13, false, false,
			"SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"},
		{&tls_12, false, false,
			"SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"},
		{&tls_named, false, true,
			"EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 "
			"PLAIN LOGIN"},
		{NULL, true, true, "SCRAM-SHA-256 CRAM-MD5"},
		{NULL, true, false, "SCRAM-SHA-256"},
		{NULL, false, true, ""},
	};
	char mechs[SASL_MECHS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sasl_mechs_server(
			cases[i].tls, cases[i].clear, cases[i].cram, mechs);
		assert_string_equal(mechs, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_base64_is_strict),
		cmocka_unit_test(test_plain_messages),
		cmocka_unit_test(test_login_questions),
		cmocka_unit_test(test_cram_takes_no_initial_response),
		cmocka_unit_test(test_unknown_mechanism),
		cmocka_unit_test(test_decoy_is_stable),
		cmocka_unit_test(test_server_bounds),
		cmocka_unit_test(test_client_chooses),
		cmocka_unit_test(test_client_refuses_odd_challenges),
		cmocka_unit_test(test_client_checks_server_signature),
		cmocka_unit_test(test_channel_binding),
		cmocka_unit_test(test_gs2_flags),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_client_external),
		cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
