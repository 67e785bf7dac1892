#include "daemon/share.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_OTHERS "(others)"
#define SHARE_NOTICES "(notices)"

static struct spool_share *
find(struct shares *s, const char *who)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].who, who) == 0)
			return &s->v[i];
	return NULL;
}

static struct spool_share *
make(struct shares *s, const char *who)
{
	s->v = xrealloc(s->v, (s->n + 1) * sizeof(*s->v));
	s->v[s->n] = (struct spool_share){.messages = 0};
	str_copyz(s->v[s->n].who, sizeof(s->v[s->n].who), who);
	return &s->v[s->n++];
}

void
shares_add(struct shares *s, const char *who, uint64_t octets)
{
	char name[SPOOL_NAME_MAX + 1];
	struct spool_share *share;

	str_copyz(name, sizeof(name), who);
	share = find(s, name);
	if (!share && s->n >= SHARES_MAX - 1) {
		str_copyz(name, sizeof(name), SHARE_OTHERS);
		share = find(s, name);
	}
	if (!share)
		share = make(s, name);
	share->messages++;
	share->bytes += octets;
}

void
shares_free(struct shares *s)
{
	free(s->v);
	*s = (struct shares){.v = NULL};
}

const char *
share_payer(const struct spool_message *m)
{
	if (m->account[0])
		return m->account;
	return m->sender[0] ? m->sender : SHARE_NOTICES;
}
