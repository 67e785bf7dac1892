/* What came over the control socket, parsed, and made again the same. */
#include "control/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A record made of the fields of R says the same when parsed. */
static void
check_round_trip(const struct record *r)
{
	struct record again, parsed;
	const char *key, *value, *other_key, *other;

	record_init(&again);
	record_init(&parsed);
	for (size_t i = 0; record_at(r, i, &key, &value); i++)
		record_add(&again, key, value);
	if (!again.too_long) {
		if (!record_parse(&parsed, buf_view(&again.line)))
			abort();
		for (size_t i = 0; record_at(r, i, &key, &value); i++)
			if (!record_at(&parsed, i, &other_key, &other) ||
				strcmp(key, other_key) != 0 ||
				strcmp(value, other) != 0)
				abort();
	}
	record_free(&again);
	record_free(&parsed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;
	int64_t number;

	record_init(&r);
	if (record_parse(&r, (struct str){(const char *)data, size})) {
		record_get_int(&r, "end", &number);
		check_round_trip(&r);
	}
	record_free(&r);
	return 0;
}
