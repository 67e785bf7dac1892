#include "daemon/known.h"

#include "spool/records.h"

#include <stdio.h>

enum { KEY_MAX = 64 };

static void
key_of(const char *peer, char key_r[KEY_MAX])
{
	snprintf(key_r, KEY_MAX, "host:%.50s", peer);
}

static enum err_code
get_host(
	struct spool_txn *t, const char *peer, struct known *k_r, struct err *e)
{
	char key[KEY_MAX];
	struct str host, address;
	struct buf text;
	enum err_code rc;

	key_of(peer, key);
	buf_init(&text, 0);
	rc = spool_meta_get(t, key, &text, e);
	if (rc == OK) {
		host = str_cut(buf_view(&text), ' ', &address);
		str_copy(k_r->host, sizeof(k_r->host), host);
		str_copy(k_r->address, sizeof(k_r->address), address);
	}
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
known_get(struct spool_txn *t, const char *peer, int64_t now, struct known *k_r,
	struct err *e)
{
	enum err_code rc;

	*k_r = (struct known){.host = ""};
	rc = get_host(t, peer, k_r, e);
	return rc == OK ? spool_trust_get(t, peer, now, &k_r->trust, e) : rc;
}

enum err_code
known_put_host(struct spool_txn *t, const char *peer, const char *host,
	const char *address, struct err *e)
{
	char key[KEY_MAX], text[KNOWN_HOST_MAX + KNOWN_ADDRESS_MAX];
	int n = snprintf(text, sizeof(text), "%s %s", host, address);

	key_of(peer, key);
	if (n < 0 || (size_t)n >= sizeof(text))
		return OK; /* no host name is that long */
	return spool_meta_put(t, key, str_of(text), e);
}
