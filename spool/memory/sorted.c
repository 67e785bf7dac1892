#include "spool/memory/memory.h"

#include <assert.h>
#include <string.h>

int
index_compare(enum table_id table, unsigned x, const void *a, const void *b,
	unsigned columns_n)
{
	const struct index *index = &tables[table].indexes[x];
	int rc = 0;

	for (unsigned i = 0; i < columns_n && !rc; i++)
		rc = column_compare(
			&tables[table].columns[index->columns[i]], a, b);
	return rc;
}

size_t
sorted_seek(const struct sorted *s, enum table_id table, unsigned x,
	const void *key, unsigned columns_n, bool past)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int rc = index_compare(table, x, s->rows[mid], key, columns_n);

		if (rc < 0 || (past && rc == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
place_of(const struct sorted *s, enum table_id table, unsigned x,
	const void *row)
{
	return sorted_seek(
		s, table, x, row, tables[table].indexes[x].columns_n, false);
}

void
sorted_add(struct sorted *s, enum table_id table, unsigned x, void *row)
{
	size_t at = place_of(s, table, x, row);

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->rows = xrealloc(s->rows, s->cap * sizeof(*s->rows));
	}
	memmove(s->rows + at + 1, s->rows + at, (s->n - at) * sizeof(*s->rows));
	s->rows[at] = row;
	s->n++;
}

void
sorted_remove(
	struct sorted *s, enum table_id table, unsigned x, const void *row)
{
	size_t at = place_of(s, table, x, row);

	/* every index ends with the key: equal means the same row */
	assert(at < s->n && s->rows[at] == row);
	s->n--;
	memmove(s->rows + at, s->rows + at + 1, (s->n - at) * sizeof(*s->rows));
}
