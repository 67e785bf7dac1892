#include "faces/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/protocol.h"

enum { OCTET_ENCODED_MAX = 3 }; /* "%20" */

static struct record *
new_part(struct request *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 1;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	record_init(&r->v[r->n]);
	return &r->v[r->n++];
}

void
request_init(struct request *r, const char *verb, const char *action)
{
	*r = (struct request){0};
	protocol_request(new_part(r), verb, action);
}

void
request_free(struct request *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].line.data)
			explicit_bzero(r->v[i].line.data, r->v[i].line.cap);
		record_free(&r->v[i]);
	}
	free(r->v);
	*r = (struct request){0};
}

void
request_next(struct request *r)
{
	record_add(&r->v[r->n - 1], KEY_MORE, "1");
	new_part(r);
}

void
request_add(struct request *r, const char *key, const char *value)
{
	const struct record *last = &r->v[r->n - 1];
	size_t need, room = PROTOCOL_RECORD_MAX - sizeof(KEY_MORE "=1 ");

	if (!value)
		return;
	need = strlen(key) + 2 + OCTET_ENCODED_MAX * strlen(value);
	if (last->line.len && last->line.len + need > room)
		request_next(r);
	record_add(&r->v[r->n - 1], key, value);
}

void
request_add_int(struct request *r, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	request_add(r, key, text);
}
