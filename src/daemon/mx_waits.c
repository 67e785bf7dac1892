#include "daemon/mx_waits.h"

#include "base/str.h"
#include "wire/limits.h"

#include <stdlib.h>
#include <string.h>

struct wait {
	char domain[WIRE_DOMAIN_MAX + 1];
	int64_t until;
	unsigned failures;
};

struct mx_waits {
	struct wait *v;
	size_t n;
};

struct mx_waits *
mx_waits_new(void)
{
	return xcalloc(1, sizeof(struct mx_waits));
}

void
mx_waits_free(struct mx_waits *w)
{
	if (!w)
		return;
	free(w->v);
	free(w);
}

static struct wait *
find(const struct mx_waits *w, const char *domain)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].domain, domain) == 0)
			return &w->v[i];
	return NULL;
}

/* A new one, or in place of the one that would be over first. */
static struct wait *
place(struct mx_waits *w)
{
	size_t first = 0;

	if (w->n < MX_WAITS_MAX) {
		w->v = xrealloc(w->v, (w->n + 1) * sizeof(*w->v));
		return &w->v[w->n++];
	}
	for (size_t i = 1; i < w->n; i++)
		if (w->v[i].until < w->v[first].until)
			first = i;
	return &w->v[first];
}

static struct wait *
find_or_place(struct mx_waits *w, const char *domain)
{
	struct wait *it = find(w, domain);

	if (!it) {
		it = place(w);
		*it = (struct wait){.failures = 0};
		str_copyz(it->domain, sizeof(it->domain), domain);
	}
	return it;
}

void
mx_waits_add(struct mx_waits *w, const char *domain, int64_t now,
	const int64_t *retry_s, size_t retry_n)
{
	struct wait *it = find_or_place(w, domain);

	it->until =
		now +
		retry_s[it->failures < retry_n ? it->failures : retry_n - 1];
	it->failures++;
}

void
mx_waits_note(struct mx_waits *w, const char *domain)
{
	find_or_place(w, domain);
}

void
mx_waits_remove(struct mx_waits *w, const char *domain)
{
	struct wait *it = find(w, domain);

	if (it)
		*it = w->v[--w->n];
}

void
mx_waits_end(struct mx_waits *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->v[i].until = 0;
}

bool
mx_waits_has(const struct mx_waits *w, const char *domain)
{
	return find(w, domain) != NULL;
}

int64_t
mx_waits_until(const struct mx_waits *w, const char *domain, int64_t now)
{
	const struct wait *it = find(w, domain);

	return it && it->until > now ? it->until : 0;
}
