#include "spool/trust.h"

#include "base/buf.h"
#include "spool/records.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEY_MAX = 64, HEX_MAX = 2 * SPOOL_KEY_BYTES + 1 };

static void
name_key(const char *kind, const char *peer, char key_r[KEY_MAX])
{
	snprintf(key_r, KEY_MAX, "%s:%.50s", kind, peer);
}

static bool
digit(char c, unsigned *value_r)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < 16; i++)
		if (digits[i] == c) {
			*value_r = i;
			return true;
		}
	return false;
}

static bool
parse_hex(struct str s, unsigned char out_r[SPOOL_KEY_BYTES])
{
	if (s.n != 2 * SPOOL_KEY_BYTES)
		return false;
	for (size_t i = 0; i < SPOOL_KEY_BYTES; i++) {
		unsigned high, low;

		if (!digit(s.p[2 * i], &high) || !digit(s.p[2 * i + 1], &low))
			return false;
		out_r[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* "HEX UNTIL" */
static void
parse_accepted(struct str text, int64_t now, struct spool_trust *trust_r)
{
	struct str rest, hex = str_cut(text, ' ', &rest);
	uint64_t until;

	if (!parse_hex(hex, trust_r->key) || !str_u64(rest, &until))
		return;
	trust_r->until = (int64_t)until;
	trust_r->has_key = until == 0 || now < trust_r->until;
}

static enum err_code
read_value(struct spool_txn *t, const char *kind, const char *peer,
	struct buf *out, struct err *e)
{
	char key[KEY_MAX];
	enum err_code rc;

	name_key(kind, peer, key);
	buf_clear(out);
	rc = spool_meta_get(t, key, out, e);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_trust_get(struct spool_txn *t, const char *peer, int64_t now,
	struct spool_trust *trust_r, struct err *e)
{
	struct buf text;
	uint64_t ends;
	enum err_code rc;

	*trust_r = (struct spool_trust){.has_key = false};
	buf_init(&text, 0);
	rc = read_value(t, "trust", peer, &text, e);
	if (rc == OK)
		parse_accepted(buf_view(&text), now, trust_r);
	if (rc == OK)
		rc = read_value(t, "cert", peer, &text, e);
	if (rc == OK && str_u64(buf_view(&text), &ends))
		trust_r->ends = (int64_t)ends;
	buf_free(&text);
	return rc;
}

enum err_code
spool_trust_accept(
	struct spool_txn *t, const char *peer, int64_t until, struct err *e)
{
	struct spool_peer row;
	char key[KEY_MAX], text[HEX_MAX + 24] = "";
	enum err_code rc = spool_peer_get(t, peer, &row, e);

	if (rc == ERR_NOTFOUND || (rc == OK && !row.has_fingerprint))
		return err_set(e, ERR_NOTFOUND,
			"%s showed no certificate yet; let the node connect to "
			"it first",
			peer);
	if (rc != OK)
		return rc;
	for (size_t i = 0; i < sizeof(row.fingerprint); i++)
		snprintf(text + 2 * i, 3, "%02x", row.fingerprint[i]);
	snprintf(text + HEX_MAX - 1, sizeof(text) - HEX_MAX + 1, " %" PRId64,
		until);
	name_key("trust", peer, key);
	return spool_meta_put(t, key, str_of(text), e);
}

enum err_code
spool_trust_ends_put(
	struct spool_txn *t, const char *peer, int64_t ends, struct err *e)
{
	char key[KEY_MAX], text[24];

	name_key("cert", peer, key);
	snprintf(text, sizeof(text), "%" PRId64, ends);
	return spool_meta_put(t, key, str_of(text), e);
}
