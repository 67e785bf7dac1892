#include "smtp/sasl.h"

#include "smtp/sasl_private.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[MECH_EXTERNAL] = "EXTERNAL",
	[MECH_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
	[MECH_SCRAM] = "SCRAM-SHA-256",
	[MECH_CRAM] = "CRAM-MD5",
	[MECH_PLAIN] = "PLAIN",
	[MECH_LOGIN] = "LOGIN",
};

const char *
sasl_mech_name(enum sasl_mech mech)
{
	return names[mech];
}

enum sasl_mech
sasl_mech_find(struct str name)
{
	enum sasl_mech mech = 0;

	while (mech < MECH_N && !str_eq_nocase(str_of(names[mech]), name))
		mech++;
	return mech;
}

bool
sasl_is_scram(enum sasl_mech mech)
{
	return mech == MECH_SCRAM || mech == MECH_SCRAM_PLUS;
}

/* LOGIN, which no standard binds, often comes with the name at once. */
bool
sasl_is_server_first(struct str mech)
{
	return sasl_mech_find(mech) == MECH_CRAM;
}

bool
sasl_can_bind(const struct tls_facts *tls)
{
	return tls && (tls->has_exporter || tls->cb_unique_n > 0);
}

static bool
is_offered(const struct tls_facts *tls, bool clear_allowed, bool cram,
	enum sasl_mech mech)
{
	switch (mech) {
	case MECH_EXTERNAL:
		return tls && tls->verified && tls->peer_name[0];
	case MECH_SCRAM_PLUS:
		return sasl_can_bind(tls);
	case MECH_SCRAM:
		return tls || clear_allowed;
	case MECH_CRAM:
		return cram && (tls || clear_allowed);
	default:
		return tls;
	}
}

void
sasl_mechs_server(const struct tls_facts *tls, bool clear_allowed, bool cram,
	char out[SASL_MECHS_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (enum sasl_mech mech = 0; mech < MECH_N; mech++)
		if (is_offered(tls, clear_allowed, cram, mech))
			n += (size_t)snprintf(out + n, SASL_MECHS_MAX - n,
				"%s%s", n ? " " : "", names[mech]);
}

void
sasl_set_base64(Gsasl_session *session, Gsasl_property property, const void *p,
	size_t n)
{
	struct buf text;

	buf_init(&text, 0);
	sasl_encode((struct str){p, n}, &text);
	gsasl_property_set(session, property, buf_z(&text));
	sasl_wipe(&text);
}

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
digit(char c)
{
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (int)(p - alphabet) : -1;
}

/* Four octets of base64 into up to three; returns how many, 0: malformed. */
static size_t
decode_group(const char *in, bool last, unsigned char out[3])
{
	unsigned bits = 0;
	size_t pad = 0;

	if (last && in[3] == '=')
		pad = in[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - pad ? digit(in[i]) : 0;

		if (d < 0)
			return 0;
		bits = bits << 6 | (unsigned)d;
	}
	/* Bits that the pad throws away are zero in the one right form. */
	if (bits & ((1U << (8 * pad)) - 1))
		return 0;
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return 3 - pad;
}

bool
sasl_decode(struct str line, struct buf *out)
{
	unsigned char group[3];

	if (str_eq(line, STR("=")))
		return true;
	if (line.n % 4 != 0)
		return false;
	for (size_t i = 0; i < line.n; i += 4) {
		size_t n = decode_group(line.p + i, i + 4 == line.n, group);

		if (n == 0 || !buf_add(out, group, n))
			return false;
	}
	return true;
}

void
sasl_encode(struct str message, struct buf *out)
{
	for (size_t i = 0; i < message.n; i += 3) {
		size_t left = message.n - i;
		const unsigned char *p = (const unsigned char *)message.p + i;
		unsigned bits = (unsigned)p[0] << 16 |
				(left > 1 ? (unsigned)p[1] << 8 : 0) |
				(left > 2 ? p[2] : 0);
		char group[4] = {alphabet[bits >> 18],
			alphabet[bits >> 12 & 63],
			left > 1 ? alphabet[bits >> 6 & 63] : '=',
			left > 2 ? alphabet[bits & 63] : '='};

		buf_add(out, group, sizeof(group));
	}
}

void
sasl_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}
