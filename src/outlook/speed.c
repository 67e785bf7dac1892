#include "outlook/speed.h"

#include <stdio.h>

struct key {
	char z[SPOOL_NAME_MAX + 16];
};

static struct key
key_of(const char *link)
{
	struct key k;

	snprintf(k.z, sizeof(k.z), "speed:%.*s", SPOOL_NAME_MAX, link);
	return k;
}

void
outlook_speed_configure(struct speed *s, const struct conf_link *link)
{
	s->set_bps = link->bit_rate;
	s->set_rtt_ms = (uint64_t)link->rtt_ms;
	s->most_bps = link->max_rate;
}

enum err_code
outlook_speed_load(struct spool_txn *t, const struct conf_link *link,
	struct speed *speed_r, struct err *e)
{
	struct key k = key_of(link->name);
	struct buf text;
	enum err_code rc;

	speed_init(speed_r, 0, 0);
	outlook_speed_configure(speed_r, link);
	buf_init(&text, 0);
	rc = spool_meta_get(t, k.z, &text, e);
	if (rc == OK)
		speed_read(speed_r, buf_view(&text));
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
outlook_speed_store(struct spool_txn *t, const char *link,
	const struct speed *s, struct err *e)
{
	struct key k = key_of(link);
	char text[SPEED_TEXT_MAX];

	speed_write(s, text);
	return spool_meta_put(t, k.z, str_of(text), e);
}
