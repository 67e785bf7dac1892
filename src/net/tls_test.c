#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/probe.h"
#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 86400, HANDSHAKE_MS = 3000 };

static char dir[] = "/tmp/tls_test.XXXXXX";

/* --- certificates ----------------------------------------------------------
 */

struct identity {
	const char *file, *cn, *san; /* FILE.pem and FILE.key in dir */
	long from_s, to_s;	     /* from now */
	bool self_signed;
	unsigned char pin[TLS_PIN_BYTES];
};

static EVP_PKEY *ca_key;
static X509 *ca;

static struct identity good = {"good", "mail.shore.example",
	"DNS:mail.shore.example,DNS:*.wild.example,IP:127.0.0.1", -DAY_S,
	30 * DAY_S, false, {0}};
static struct identity expired = {"expired", "mail.shore.example",
	"DNS:mail.shore.example", -9 * DAY_S, -2 * DAY_S, false, {0}};
static struct identity future = {"future", "mail.shore.example",
	"DNS:mail.shore.example", 20 * DAY_S, 400 * DAY_S, false, {0}};
static struct identity own = {"own", "mail.shore.example",
	"DNS:mail.shore.example", -DAY_S, 30 * DAY_S, true, {0}};
static struct identity partial = {"partial", "x",
	"DNS:m*.shore.example,DNS:a.example,DNS:b.example,DNS:c.example",
	-DAY_S, 30 * DAY_S, false, {0}};
static struct identity user = {
	"user", "aurora", NULL, -DAY_S, 30 * DAY_S, false, {0}};

static const char *
path_of(const char *file, const char *suffix)
{
	static char paths[4][96];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s%s", dir, file, suffix);
	return path;
}

static void
extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static X509 *
certificate(EVP_PKEY *key, const char *cn, const char *san, long from_s,
	long to_s, bool is_ca, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(
		cert, issuer ? X509_get_subject_name(issuer) : name);
	extension(cert, NID_basic_constraints,
		is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (san)
		extension(cert, NID_subject_alt_name, san);
	assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	return cert;
}

static void
write_key(const char *path, EVP_PKEY *key, const char *pass)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	PEM_write_PrivateKey(f, key, pass ? EVP_aes_128_cbc() : NULL,
		(const unsigned char *)pass, pass ? (int)strlen(pass) : 0, NULL,
		NULL);
	fclose(f);
}

static void
write_cert(const char *path, X509 *cert)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	PEM_write_X509(f, cert);
	fclose(f);
}

static void
identity_make(struct identity *id)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certificate(key, id->cn, id->san, id->from_s, id->to_s,
		false, id->self_signed ? NULL : ca,
		id->self_signed ? key : ca_key);
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	EVP_Digest(der, (size_t)n, id->pin, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	write_cert(path_of(id->file, ".pem"), cert);
	write_key(path_of(id->file, ".key"), key, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	ca_key = EVP_EC_gen("P-256");
	ca = certificate(ca_key, "Test Authority", NULL, -1000 * DAY_S,
		1000 * DAY_S, true, NULL, ca_key);
	write_cert(path_of("ca", ".pem"), ca);
	write_key(path_of("locked", ".key"), ca_key, "secret");
	identity_make(&good);
	identity_make(&expired);
	identity_make(&future);
	identity_make(&own);
	identity_make(&partial);
	identity_make(&user);
	return 0;
}

static int
teardown(void **state)
{
	char command[64];

	(void)state;
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* --- one handshake ---------------------------------------------------------
 */

struct meeting {
	struct loop *loop;
	struct tls_server *server;
	struct tls_client *client;
	struct probe s, c; /* the server's and the client's end */
	struct tls_policy policy;
	struct buf ticket; /* the last that came */
	int tickets;
};

static void
keep_ticket(void *arg, struct str session)
{
	struct meeting *m = arg;

	buf_clear(&m->ticket);
	buf_adds(&m->ticket, session);
	m->tickets++;
}

static struct tls_server *
server_of(const struct identity *id, const unsigned char (*keys)[80], size_t n,
	bool ask_client)
{
	struct tls_server_conf conf = {
		.certificate = path_of(id->file, ".pem"),
		.key = path_of(id->file, ".key"),
		.ca_file = ask_client ? path_of("ca", ".pem") : NULL,
		.min_version = "1.2",
		.ticket_keys = keys,
		.ticket_keys_n = n,
	};
	struct tls_server *server;
	struct err e;

	if (tls_server_new(&conf, &server, &e) != OK)
		fail_msg("%s", e.text);
	return server;
}

static void
meeting_init(struct meeting *m, const struct identity *id, const char *name)
{
	struct tls_client_conf conf = {path_of("ca", ".pem"), "1.2"};
	struct err e;

	*m = (struct meeting){0};
	m->loop = loop_new();
	m->server = server_of(id, NULL, 0, false);
	assert_int_equal(tls_client_new(&conf, &m->client, &e), OK);
	m->policy = (struct tls_policy){.name = name,
		.verify = TLS_VERIFY_NAME,
		.ticket_fn = keep_ticket,
		.ticket_arg = m};
}

static void
meeting_connect(struct meeting *m)
{
	int fds[2];

	probe_tcp_pair(fds);
	probe_open(&m->c, m->loop, fds[0]);
	probe_open(&m->s, m->loop, fds[1]);
}

static void
meeting_shake(struct meeting *m)
{
	meeting_connect(m);
	m->s.in_call = m->c.in_call = true;
	stream_tls_accept(m->s.s, m->server, HANDSHAKE_MS);
	stream_tls_connect(m->c.s, m->client, &m->policy, HANDSHAKE_MS);
	m->s.in_call = m->c.in_call = false;
	RUN_UNTIL(m->loop,
		(m->s.tls_ups || m->s.closed) && (m->c.tls_ups || m->c.closed));
}

static void
meeting_part(struct meeting *m)
{
	probe_end(&m->c);
	probe_end(&m->s);
}

static void
meeting_free(struct meeting *m)
{
	buf_free(&m->ticket);
	tls_server_free(m->server);
	tls_client_free(m->client);
	loop_free(m->loop);
}

/* A word from the server and an echo: proof that octets flow both ways. */
static void
meeting_talk(struct meeting *m)
{
	m->c.echo = true;
	probe_write(&m->s, STR("220 ready\r\n"));
	RUN_UNTIL(m->loop, m->s.in.len == 11);
	assert_true(str_eq(buf_view(&m->s.in), STR("220 ready\r\n")));
}

/* A record is counted while it comes, although it is of no use yet. */
static void
count_records(struct meeting *m)
{
	enum { PIECE = 1000, ALL = 20000 };
	char octets[ALL] = {0};

	m->s.echo = false;
	buf_clear(&m->c.in);
	m->c.echo = false;
	m->c.counted = stream_counts(m->c.s).received;
	m->c.step_most = 0;
	m->c.moved = m->c.inputs = 0;
	stream_count(m->c.s, PIECE);
	probe_write(&m->s, (struct str){octets, ALL});
	RUN_UNTIL(m->loop, m->c.in.len == ALL);
	assert_true(m->c.step_most <= PIECE);
	assert_true(m->c.moved >= ALL / PIECE);
	assert_true(m->c.inputs < m->c.moved);
}

/* --- tests -----------------------------------------------------------------
 */

static void
test_good(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_shake(&m);
	assert_string_equal(m.c.why, "");
	assert_int_equal(m.c.tls_ups, 1);
	assert_true(m.c.facts.verified);
	assert_false(m.c.facts.resumed);
	assert_string_equal(m.c.facts.version, "TLSv1.3");
	assert_string_equal(m.c.facts.peer_name, "mail.shore.example");
	assert_true(strlen(m.c.facts.cipher) > 0);
	assert_false(m.s.facts.verified);
	meeting_talk(&m);
	assert_int_equal(m.tickets, 2);
	count_records(&m);
	/* Counted with TLS, and both ends agree. */
	assert_true(stream_counts(m.c.s).received > 600);
	assert_int_equal(
		stream_counts(m.c.s).received, stream_counts(m.s.s).sent);
	assert_int_equal(
		stream_counts(m.s.s).received, stream_counts(m.c.s).sent);
	stream_close(m.s.s, 1000);
	m.s.s = NULL;
	RUN_UNTIL(m.loop, m.c.closed);
	assert_int_equal(m.c.end, STREAM_EOF);
	meeting_part(&m);
	meeting_free(&m);
}

enum { BIG = 2 * 1000 * 1000 };

static void
test_big(void **state)
{
	struct meeting m;
	char *octets = malloc(BIG);

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		octets[i] = (char)(i * 2654435761u >> 13);
	meeting_init(&m, &good, "mail.shore.example");
	meeting_shake(&m);
	m.c.echo = true;
	probe_write(&m.s, (struct str){octets, BIG});
	RUN_UNTIL(m.loop, m.s.in.len == BIG);
	assert_memory_equal(buf_view(&m.s.in).p, octets, BIG);
	assert_int_equal(m.s.drained, 1);
	assert_true(stream_counts(m.s.s).sent > BIG);
	meeting_part(&m);
	meeting_free(&m);
	free(octets);
}

/* Octets left inside OpenSSL when the input is full are not forgotten. */
static void
test_bounded_input(void **state)
{
	struct meeting m;
	char *octets = calloc(1, BIG);

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_shake(&m);
	m.c.consume_at = BIG;
	probe_write(&m.s, (struct str){octets, 90000});
	RUN_UNTIL(m.loop, stream_view(m.c.s).n == STREAM_INPUT_MAX);
	m.c.consume_at = 0;
	stream_consume(m.c.s, 1);
	RUN_UNTIL(m.loop, m.c.in.len == 90000 - 1);

	/* The same while reading is off. */
	stream_read_enable(m.c.s, false);
	probe_write(&m.s, (struct str){octets, 5000});
	probe_run_ms(m.loop, 10);
	assert_int_equal(m.c.in.len, 90000 - 1);
	stream_read_enable(m.c.s, true);
	RUN_UNTIL(m.loop, m.c.in.len == 95000 - 1);
	meeting_part(&m);
	meeting_free(&m);
	free(octets);
}

/*
 * The input is full in the middle of a record and then taken at once: what is
 * left of the record waits inside OpenSSL, where no event tells of it.
 */
static void
test_rest_of_record(void **state)
{
	struct meeting m;
	char *octets = calloc(1, STREAM_INPUT_MAX);

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_shake(&m);
	stream_read_enable(m.c.s, false);
	probe_write(&m.s, (struct str){octets, 100});
	RUN_UNTIL(m.loop, m.s.drained == 1);
	probe_write(&m.s, (struct str){octets, STREAM_INPUT_MAX});
	RUN_UNTIL(m.loop, m.s.drained == 2);
	usleep(5000);
	stream_read_enable(m.c.s, true);
	RUN_UNTIL(m.loop, m.c.in.len == STREAM_INPUT_MAX + 100);
	meeting_part(&m);
	meeting_free(&m);
	free(octets);
}

static void
test_names(void **state)
{
	static const struct {
		const struct identity *id;
		const char *name, *why; /* NULL: fine */
	} rows[] = {
		{&good, "mail.shore.example", NULL},
		{&good, "MAIL.shore.example.", NULL},
		{&good, "a.wild.example", NULL},
		{&good, "127.0.0.1", NULL},
		{&good, "wild.example",
			"certificate is for mail.shore.example, "
			"*.wild.example, 127.0.0.1, not for wild.example"},
		{&good, "a.b.wild.example", "certificate is for "},
		{&good, "127.0.0.2", "certificate is for "},
		{&partial, "mail.shore.example",
			"certificate is for m*.shore.example, a.example, "
			"b.example and others, not for mail.shore.example"},
		{&user, "mail.shore.example",
			"certificate is for aurora, not for "},
		{&expired, "mail.shore.example", "certificate expired on 20"},
		{&future, "mail.shore.example",
			"certificate is not valid before 20"},
		{&own, "mail.shore.example", "self-signed certificate"},
		{&good, "", "no name to verify"},
	};
	struct meeting m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		meeting_init(&m, rows[i].id, rows[i].name);
		if (!*rows[i].name) {
			meeting_connect(&m);
			stream_tls_connect(
				m.c.s, m.client, &m.policy, HANDSHAKE_MS);
			RUN_UNTIL(m.loop, m.c.closed);
		} else {
			meeting_shake(&m);
		}
		if (rows[i].why) {
			assert_int_equal(m.c.tls_ups, 0);
			assert_int_equal(m.c.end, STREAM_TLS);
			if (strncmp(m.c.why, rows[i].why,
				    strlen(rows[i].why)) != 0)
				fail_msg("row %zu: %s", i, m.c.why);
		} else if (!m.c.facts.verified) {
			fail_msg("row %zu: %s", i, m.c.why);
		}
		meeting_part(&m);
		meeting_free(&m);
	}
}

/* The server learns why the client went. */
static void
test_server_hears_alert(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &own, "mail.shore.example");
	meeting_shake(&m);
	assert_int_equal(m.s.end, STREAM_TLS);
	assert_string_equal(m.s.why,
		"TLS handshake: the peer does not trust the authority of our "
		"certificate");
	meeting_part(&m);
	meeting_free(&m);
}

static void
test_unknown_authority(void **state)
{
	struct tls_client_conf conf = {path_of("own", ".pem"), "1.2"};
	struct meeting m;
	struct err e;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	tls_client_free(m.client);
	assert_int_equal(tls_client_new(&conf, &m.client, &e), OK);
	meeting_shake(&m);
	assert_string_equal(m.c.why,
		"certificate is from an authority that is not trusted: "
		"Test Authority");
	meeting_part(&m);
	meeting_free(&m);
}

static void
test_ca_file_missing(void **state)
{
	struct tls_client_conf conf = {"/nonexistent/ca.pem", NULL};
	struct meeting m;
	struct err e;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	tls_client_free(m.client);
	assert_int_equal(tls_client_new(&conf, &m.client, &e), OK);
	meeting_connect(&m);
	m.c.in_call = true;
	stream_tls_connect(m.c.s, m.client, &m.policy, HANDSHAKE_MS);
	m.c.in_call = false;
	RUN_UNTIL(m.loop, m.c.closed);
	assert_string_equal(m.c.why,
		"CA file /nonexistent/ca.pem: No such file or directory");
	meeting_part(&m);

	m.policy.verify = TLS_VERIFY_NONE; /* which needs no CA */
	meeting_shake(&m);
	assert_int_equal(m.c.tls_ups, 1);
	meeting_part(&m);
	meeting_free(&m);
}

/* A pinned key counts alone: neither chain nor dates nor names. */
static void
test_pin(void **state)
{
	const struct identity *ids[] = {&good, &own, &expired, &future};
	struct meeting m;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		meeting_init(&m, ids[i], "other.example");
		m.policy.verify = TLS_VERIFY_PIN;
		memcpy(m.policy.pin, ids[i]->pin, TLS_PIN_BYTES);
		meeting_shake(&m);
		assert_string_equal(m.c.why, "");
		assert_true(m.c.facts.verified);
		meeting_part(&m);

		m.policy.pin[31] ^= 1;
		meeting_shake(&m);
		assert_int_equal(m.c.tls_ups, 0);
		assert_int_equal(m.c.end, STREAM_TLS);
		assert_non_null(strstr(m.c.why, "is not the pinned one"));
		meeting_part(&m);
		meeting_free(&m);
	}
}

static void
test_none(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &own, "other.example");
	m.policy.verify = TLS_VERIFY_NONE;
	meeting_shake(&m);
	assert_int_equal(m.c.tls_ups, 1);
	assert_false(m.c.facts.verified);
	assert_string_equal(m.c.facts.peer_name, "");
	meeting_talk(&m);
	meeting_part(&m);
	meeting_free(&m);
}

/* Both ends know the same of their channel, and of no other. */
static void
check_binding(const struct meeting *m)
{
	static unsigned char before[32];
	const struct tls_facts *c = &m->c.facts, *s = &m->s.facts;
	bool old = strcmp(c->version, "TLSv1.2") == 0;

	assert_true(c->has_exporter && s->has_exporter);
	assert_memory_equal(
		c->cb_exporter, s->cb_exporter, sizeof(c->cb_exporter));
	assert_memory_not_equal(c->cb_exporter, before, sizeof(before));
	memcpy(before, c->cb_exporter, sizeof(before));
	assert_int_equal(c->cb_unique_n, old ? 12 : 0);
	assert_int_equal(s->cb_unique_n, c->cb_unique_n);
	assert_memory_equal(c->cb_unique, s->cb_unique, sizeof(c->cb_unique));
}

static void
meeting_again(struct meeting *m, bool resumed)
{
	struct buf kept = m->ticket;

	buf_init(&m->ticket, 0);
	m->policy.ticket = buf_view(&kept);
	m->tickets = 0;
	meeting_shake(m);
	assert_string_equal(m->c.why, "");
	assert_int_equal(m->c.tls_ups, 1);
	assert_int_equal(m->c.facts.resumed, resumed);
	assert_int_equal(m->s.facts.resumed, resumed);
	check_binding(m);
	assert_true(m->c.facts.verified);
	meeting_talk(m);
	meeting_part(m);
	buf_free(&kept);
}

static void
server_replace(struct meeting *m, const unsigned char (*keys)[80], size_t n,
	int max_version)
{
	tls_server_free(m->server);
	m->server = server_of(&good, keys, n, false);
	SSL_CTX_set_max_proto_version(m->server->ctx, max_version);
}

static void
resumption(int max_version)
{
	unsigned char keys[2][80]; /* new, old */
	struct meeting m;

	memset(keys[0], 'n', 80);
	memset(keys[1], 'o', 80);
	meeting_init(&m, &good, "mail.shore.example");
	server_replace(&m, (const void *)(keys + 1), 1, max_version);
	meeting_again(&m, false);
	assert_true(m.tickets > 0);

	/* As after a restart: another object, the same key. */
	server_replace(&m, (const void *)(keys + 1), 1, max_version);
	meeting_again(&m, true);
	assert_true(m.tickets > 0); /* each is used once: there is another */

	/* The keys rotate: the old one opens, the new one makes. */
	server_replace(&m, (const void *)keys, 2, max_version);
	meeting_again(&m, true);
	assert_true(m.tickets > 0);
	server_replace(&m, (const void *)keys, 1, max_version);
	meeting_again(&m, true);
	/* An unknown key: a whole handshake, no failure. */
	memset(keys[0], 'x', 80);
	server_replace(&m, (const void *)keys, 1, max_version);
	meeting_again(&m, false);
	meeting_free(&m);
}

static void
test_resumption_13(void **state)
{
	(void)state;
	resumption(TLS1_3_VERSION);
}

static void
test_resumption_12(void **state)
{
	(void)state;
	resumption(TLS1_2_VERSION);
}

/* A ticket from another policy, or damaged, is no way round the check. */
static void
test_ticket_of_other_policy(void **state)
{
	struct meeting m;
	struct buf kept;

	(void)state;
	meeting_init(&m, &own, "mail.shore.example");
	m.policy.verify = TLS_VERIFY_NONE;
	meeting_shake(&m);
	meeting_talk(&m);
	meeting_part(&m);
	assert_true(m.tickets > 0);
	kept = m.ticket;
	buf_init(&m.ticket, 0);
	m.policy.ticket = buf_view(&kept);
	meeting_shake(&m);
	assert_true(m.c.facts.resumed);
	meeting_part(&m);
	m.policy.verify = TLS_VERIFY_NAME;
	meeting_shake(&m);
	assert_string_equal(m.c.why, "self-signed certificate");
	meeting_part(&m);
	m.policy.verify = TLS_VERIFY_NONE;
	kept.data[kept.start + 40] ^= 0x55;
	kept.data[kept.start + 33] ^= 0x55;
	meeting_shake(&m);
	assert_int_equal(m.c.tls_ups, 1);
	assert_false(m.c.facts.resumed);
	meeting_part(&m);
	buf_free(&kept);
	meeting_free(&m);
}

/* --- peers that do not play by the rules -----------------------------------
 */

static void
test_garbage(void **state)
{
	static const char *const texts[] = {"EHLO evil.example\r\n",
		"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\xff\xff garbage",
		"\x80\x2e\x01\x00\x02 old", "\r\n\r\n\r\n\r\n\r\n"};
	struct meeting m;
	int fds[2];

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i]);

		for (int client = 0; client < 2; client++) {
			probe_tcp_pair(fds);
			probe_open(&m.s, m.loop, fds[1]);
			if (client)
				stream_tls_connect(m.s.s, m.client, &m.policy,
					HANDSHAKE_MS);
			else
				stream_tls_accept(
					m.s.s, m.server, HANDSHAKE_MS);
			assert_int_equal(write(fds[0], texts[i], n), n);
			RUN_UNTIL(m.loop, m.s.closed);
			assert_int_equal(m.s.end, STREAM_TLS);
			if (strncmp(m.s.why, "TLS handshake: ", 15) != 0 ||
				strstr(m.s.why, "unknown error"))
				fail_msg("row %zu: %s", i, m.s.why);
			if (i == 0)
				assert_string_equal(m.s.why + 15,
					"what the peer sent is not TLS");
			close(fds[0]);
			probe_end(&m.s);
		}
	}
	meeting_free(&m);
}

static void
test_peer_closes_in_handshake(void **state)
{
	struct linger hard = {1, 0};
	struct meeting m;
	int fds[2];

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	for (int reset = 0; reset < 2; reset++) {
		probe_tcp_pair(fds);
		probe_open(&m.c, m.loop, fds[1]);
		stream_tls_connect(m.c.s, m.client, &m.policy, HANDSHAKE_MS);
		if (reset)
			setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &hard,
				sizeof(hard));
		else
			shutdown(fds[0], SHUT_WR);
		probe_run_ms(m.loop, 5);
		close(fds[0]);
		RUN_UNTIL(m.loop, m.c.closed);
		assert_int_equal(m.c.end, STREAM_TLS);
		assert_string_equal(m.c.why,
			reset ? "TLS handshake: Connection reset by peer"
			      : "TLS handshake: the peer closed the "
				"connection");
		probe_end(&m.c);
	}
	meeting_free(&m);
}

static void
test_handshake_deadline(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_connect(&m);
	stream_tls_accept(m.s.s, m.server, 100);
	RUN_UNTIL(m.loop, m.s.closed);
	assert_int_equal(m.s.end, STREAM_TLS);
	assert_string_equal(
		m.s.why, "TLS handshake: not finished within 0.1 s");
	meeting_part(&m);
	meeting_free(&m);
}

/* "STARTTLS" with commands behind it (RFC 3207 4.2, CVE-2011-0411). */
static void
test_octets_before_handshake(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_connect(&m);
	m.s.consume_at = 1000;
	probe_write(&m.c, STR("RSET\r\n"));
	RUN_UNTIL(m.loop, stream_view(m.s.s).n == 6);
	m.s.in_call = true;
	stream_tls_accept(m.s.s, m.server, HANDSHAKE_MS);
	m.s.in_call = false;
	RUN_UNTIL(m.loop, m.s.closed);
	assert_int_equal(m.s.end, STREAM_TLS);
	assert_string_equal(
		m.s.why, "TLS handshake: the peer sent plain text before it");
	meeting_part(&m);

	/* Not yet read when the handshake starts: no TLS record either. */
	meeting_connect(&m);
	stream_read_enable(m.s.s, false);
	probe_write(&m.c, STR("RSET\r\n"));
	RUN_UNTIL(m.loop, m.c.drained);
	stream_tls_accept(m.s.s, m.server, HANDSHAKE_MS);
	stream_tls_connect(m.c.s, m.client, &m.policy, HANDSHAKE_MS);
	RUN_UNTIL(m.loop, m.s.closed);
	assert_int_equal(m.s.end, STREAM_TLS);
	assert_int_equal(m.s.tls_ups, 0);
	meeting_part(&m);
	meeting_free(&m);
}

/* The usual way: plain, STARTTLS, 220, TLS, and reading was off between. */
static void
test_starttls(void **state)
{
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	meeting_connect(&m);
	probe_write(&m.c, STR("STARTTLS\r\n"));
	RUN_UNTIL(m.loop, m.s.in.len == 10);
	stream_read_enable(m.s.s, false);
	probe_write(&m.s, STR("220 go\r\n"));
	RUN_UNTIL(m.loop, m.s.drained && m.c.in.len == 8);
	stream_tls_accept(m.s.s, m.server, HANDSHAKE_MS);
	stream_tls_connect(m.c.s, m.client, &m.policy, HANDSHAKE_MS);
	probe_write(&m.c, STR("EHLO x\r\n")); /* waits for the handshake */
	RUN_UNTIL(m.loop, m.s.tls_ups && m.c.tls_ups && m.c.drained == 2);
	probe_run_ms(m.loop, 10);
	assert_int_equal(m.s.in.len, 10); /* reading is still off */
	stream_read_enable(m.s.s, true);
	RUN_UNTIL(m.loop, m.s.in.len == 18);
	meeting_part(&m);
	meeting_free(&m);
}

struct raw_client {
	int fd, max_version;
	const char *certificate, *key;
	int connected;
	bool abrupt;
};

static void *
raw_client_thread(void *arg)
{
	struct raw_client *r = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char octet;

	SSL_CTX_set_cipher_list(ctx, "DEFAULT@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, r->max_version);
	if (r->certificate) {
		SSL_CTX_use_certificate_file(
			ctx, r->certificate, SSL_FILETYPE_PEM);
		SSL_CTX_use_PrivateKey_file(ctx, r->key, SSL_FILETYPE_PEM);
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, r->fd);
	r->connected = SSL_connect(ssl);
	if (r->connected == 1) {
		SSL_write(ssl, "hi", 2);
		if (!r->abrupt)
			SSL_read(ssl, &octet, 1);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(r->fd);
	return NULL;
}

static void
raw_meet(struct meeting *m, struct raw_client *r)
{
	pthread_t thread;
	int fds[2];

	probe_tcp_pair(fds);
	r->fd = fds[0];
	probe_open(&m->s, m->loop, fds[1]);
	stream_tls_accept(m->s.s, m->server, HANDSHAKE_MS);
	pthread_create(&thread, NULL, raw_client_thread, r);
	RUN_UNTIL(m->loop, m->s.in.len || m->s.closed);
	if (r->abrupt)
		RUN_UNTIL(m->loop, m->s.closed);
	stream_close(m->s.s, 0);
	m->s.s = NULL;
	pthread_join(thread, NULL);
	probe_end(&m->s);
}

static void
test_old_version(void **state)
{
	struct raw_client old = {.max_version = TLS1_1_VERSION};
	struct raw_client fine = {.max_version = TLS1_2_VERSION};
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	raw_meet(&m, &old);
	assert_int_not_equal(old.connected, 1);
	assert_int_equal(m.s.end, STREAM_TLS);
	assert_string_equal(
		m.s.why, "TLS handshake: the peer's version of TLS is too old");
	raw_meet(&m, &fine);
	assert_int_equal(fine.connected, 1);
	assert_string_equal(m.s.facts.version, "TLSv1.2");
	meeting_free(&m);
}

/* A close without close_notify is a close (OpenSSL 3 says error 0). */
static void
test_abrupt_close(void **state)
{
	struct raw_client r = {.max_version = TLS1_3_VERSION, .abrupt = true};
	struct meeting m;

	(void)state;
	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		r.max_version = v;
		meeting_init(&m, &good, "mail.shore.example");
		SSL_CTX_set_num_tickets(m.server->ctx, 0);
		raw_meet(&m, &r);
		assert_int_equal(m.s.end, STREAM_EOF);
		meeting_free(&m);
	}
}

static void
test_client_certificate(void **state)
{
	struct {
		const struct identity *id; /* NULL: sends none */
		const char *name;	   /* NULL: not verified */
	} rows[] = {{&user, "aurora"}, {NULL, NULL}, {&own, NULL},
		{&expired, NULL}};
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	tls_server_free(m.server);
	m.server = server_of(&good, NULL, 0, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct identity *id = rows[i].id;
		struct raw_client r = {.max_version = TLS1_3_VERSION,
			.certificate = id ? path_of(id->file, ".pem") : NULL,
			.key = id ? path_of(id->file, ".key") : NULL};

		raw_meet(&m, &r);
		assert_int_equal(m.s.tls_ups, 1);
		assert_int_equal(m.s.facts.verified, rows[i].name != NULL);
		assert_string_equal(
			m.s.facts.peer_name, rows[i].name ? rows[i].name : "");
	}
	meeting_free(&m);
}

/* --- configuration ---------------------------------------------------------
 */

static void
test_bad_files(void **state)
{
	char cert[96], key[96], ca_file[96], locked[96], other[96],
		dangling[96];
	const struct {
		struct tls_server_conf conf;
		enum err_code code;
		const char *words;
	} rows[] = {
		{{.certificate = cert, .key = key}, OK, ""},
		{{.certificate = cert, .key = key, .ca_file = ca_file}, OK, ""},
		{{.key = key}, ERR_CONFIG, "no certificate is set"},
		{{.certificate = dangling, .key = key}, ERR_CONFIG,
			"none.pem: No such file"},
		{{.certificate = key, .key = key}, ERR_CONFIG,
			"good.key: no certificate in PEM form"},
		{{.certificate = cert, .key = dangling}, ERR_CONFIG,
			"none.pem: No such file"},
		{{.certificate = cert, .key = cert}, ERR_CONFIG,
			"good.pem: there is no private key"},
		{{.certificate = cert, .key = locked}, ERR_CONFIG,
			"locked.key: has a pass phrase"},
		{{.certificate = cert, .key = other}, ERR_CONFIG,
			"own.key: does not belong to the certificate"},
		{{.certificate = cert, .key = key, .ca_file = dangling},
			ERR_CONFIG, "CA file"},
		{{.certificate = cert, .key = key, .min_version = "1.1"},
			ERR_CONFIG, "TLS version 1.1"},
	};
	struct tls_server *server;
	struct err e;

	(void)state;
	str_copyz(cert, sizeof(cert), path_of("good", ".pem"));
	str_copyz(key, sizeof(key), path_of("good", ".key"));
	str_copyz(ca_file, sizeof(ca_file), path_of("ca", ".pem"));
	str_copyz(locked, sizeof(locked), path_of("locked", ".key"));
	str_copyz(other, sizeof(other), path_of("own", ".key"));
	str_copyz(dangling, sizeof(dangling), path_of("none", ".pem"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e.text[0] = '\0';
		assert_int_equal(tls_server_new(&rows[i].conf, &server, &e),
			rows[i].code);
		if (!strstr(e.text, rows[i].words))
			fail_msg("row %zu: %s", i, e.text);
		if (rows[i].code == OK)
			tls_server_free(server);
	}
	tls_server_free(NULL);
	tls_client_free(NULL);
}

/* Connections go on when the server object is replaced. */
static void
test_replace_while_used(void **state)
{
	unsigned char keys[1][80] = {{1}};
	struct meeting m;

	(void)state;
	meeting_init(&m, &good, "mail.shore.example");
	server_replace(&m, (const void *)keys, 1, TLS1_3_VERSION);
	meeting_connect(&m);
	stream_tls_accept(m.s.s, m.server, HANDSHAKE_MS);
	stream_tls_connect(m.c.s, m.client, &m.policy, HANDSHAKE_MS);
	tls_server_free(m.server);
	tls_client_free(m.client);
	m.server = NULL;
	m.client = NULL;
	RUN_UNTIL(m.loop, m.s.tls_ups && m.c.tls_ups);
	meeting_talk(&m);
	meeting_part(&m);
	meeting_free(&m);
}

/*
 * Time by the floor, not by the clock alone. Last: the floor never sinks.
 */
static void
test_clock_floor(void **state)
{
	struct meeting m;

	(void)state;
	clock_floor_raise(clock_wall_s() + 60 * DAY_S);
	meeting_init(&m, &future, "mail.shore.example");
	meeting_shake(&m);
	assert_string_equal(m.c.why, "");
	assert_true(m.c.facts.verified);
	meeting_part(&m);
	meeting_free(&m);
	meeting_init(&m, &good, "mail.shore.example");
	meeting_shake(&m);
	assert_int_equal(strncmp(m.c.why, "certificate expired on ", 23), 0);
	meeting_part(&m);
	meeting_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_bounded_input),
		cmocka_unit_test(test_rest_of_record),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_server_hears_alert),
		cmocka_unit_test(test_unknown_authority),
		cmocka_unit_test(test_ca_file_missing),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_resumption_13),
		cmocka_unit_test(test_resumption_12),
		cmocka_unit_test(test_ticket_of_other_policy),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_peer_closes_in_handshake),
		cmocka_unit_test(test_handshake_deadline),
		cmocka_unit_test(test_octets_before_handshake),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_old_version),
		cmocka_unit_test(test_abrupt_close),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_replace_while_used),
		cmocka_unit_test(test_clock_floor),
	};

	alarm(PROBE_TEST_S);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
