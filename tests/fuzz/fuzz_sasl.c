/*
 * SASL with any peer. Octet 0 chooses side, mechanism and what is known of the
 * channel; the rest is lines.
 * A line of the client side may come from the other side really (an octet 1),
 * so that deep steps are reached.
 */
#include "smtp/sasl.h"
#include "smtp/sasl_private.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct verifier account, next;
static const char password[] = "open sesame";

static bool
find(void *arg, const char *name, struct verifier_pair *pair_r)
{
	FUZZ_CHECK(strlen(name) <= SASL_NAME_MAX);
	++*(unsigned *)arg;
	pair_r->present = account;
	pair_r->next = next;
	return strcmp(name, "aurora") == 0;
}

/* What the machine sends must itself be base64. */
static void
check_base64(const struct buf *b)
{
	struct buf plain;

	buf_init(&plain, 0);
	FUZZ_CHECK(sasl_decode(buf_view(b), &plain));
	sasl_wipe(&plain);
}

/* Both sides; a line of the script that is "!" lets the true one through. */
static void
converse(enum sasl_mech mech, const struct tls_facts *tls, struct str script,
	bool tamper_client)
{
	const char *name = sasl_mech_name(mech);
	unsigned lookups = 0;
	struct sasl_server *s = sasl_server_new(name, "h", tls, find, &lookups);
	/* Of this channel the client knows that it cannot be bound. */
	static const struct tls_facts unbound;
	struct sasl_client_conf conf = {.user = "aurora",
		.password = password,
		.secure = true,
		.external = mech == MECH_EXTERNAL,
		.tls = mech == MECH_SCRAM_PLUS ? tls : &unbound};
	struct sasl_client *c = sasl_client_new(str_of(name), &conf);
	enum sasl_step server, client;
	struct buf challenge, line;
	bool initial, tampered = false;

	FUZZ_CHECK(s && c);
	buf_init(&challenge, 0);
	buf_init(&line, 0);
	client = sasl_client_step(c, (struct str){NULL, 0}, &line, &initial);
	server = SASL_MORE;
	if (!initial)
		server = sasl_server_step(s, (struct str){NULL, 0}, &challenge);
	for (int turn = 0; turn < 10 && server == SASL_MORE; turn++) {
		if (turn > 0 || !initial) {
			struct str given = buf_view(&challenge), mine;

			mine = tamper_client ? STR("!")
					     : str_cut(script, '\n', &script);
			tampered |= !str_eq(mine, STR("!"));
			buf_clear(&line);
			client = sasl_client_step(c,
				str_eq(mine, STR("!")) ? given : mine, &line,
				&initial);
			if (client == SASL_FAILED || client == SASL_SYNTAX)
				break;
		}
		struct str mine = tamper_client ? str_cut(script, '\n', &script)
						: STR("!");

		tampered |= !str_eq(mine, STR("!"));
		buf_clear(&challenge);
		server = sasl_server_step(s,
			str_eq(mine, STR("!")) ? buf_view(&line) : mine,
			&challenge);
		if (server == SASL_MORE)
			check_base64(&challenge);
	}
	FUZZ_CHECK(lookups <= 1);
	FUZZ_CHECK(tampered || (server == SASL_OK && sasl_client_is_done(c)));
	if (server == SASL_OK)
		FUZZ_CHECK(strcmp(sasl_server_name(s), "aurora") == 0);
	(void)client;
	sasl_server_free(s);
	sasl_client_free(c);
	sasl_wipe(&challenge);
	sasl_wipe(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sasl_mech mechs[] = {MECH_SCRAM, MECH_CRAM,
		MECH_PLAIN, MECH_LOGIN, MECH_SCRAM_PLUS, MECH_EXTERNAL,
		MECH_SCRAM_PLUS, MECH_EXTERNAL};
	static const struct tls_facts tls_13 = {
		.peer_name = "aurora", .verified = true, .has_exporter = true};
	static const struct tls_facts tls_12 = {.peer_name = "aurora",
		.verified = true,
		.cb_unique = "unique",
		.cb_unique_n = 12};
	enum sasl_mech mech;
	struct str script;

	if (size == 0)
		return 0;
	if (account.iterations == 0)
		FUZZ_CHECK(
			verifier_make(password, true, &account, NULL) == OK &&
			verifier_change(&account, &next, "sesame", true, false,
				NULL) == OK);
	script = (struct str){(const char *)data + 1, size - 1};
	mech = mechs[(data[0] & 3) | (data[0] & 8) >> 1];
	converse(mech, data[0] & 16 ? &tls_12 : &tls_13, script, data[0] & 4);
	return 0;
}
