/*
 * Columns for people. Rows are printed in pages: the first TABLE_PAGE rows
 * decide the widths, so that memory is bounded and the first rows come at
 * once, however many follow. On a terminal columns that can be spared are left
 * out and the widest that may be cut are, until a row fits ("~" shows the
 * cut); elsewhere every row is whole.
 * Every cell is cleaned (text.h).
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "base/buf.h"
#include "cli/colour.h"

enum {
	TABLE_PAGE = 200,
	TABLE_COLUMNS_MAX = 16,
	TABLE_LEAST = 6, /* columns are not cut below this */
};

struct table_column {
	const char *title;
	bool right; /* aligned */
	bool cut;   /* may be */
	bool spare; /* left out first where a row does not fit */
};

struct table;

/* COLUMNS is borrowed and must outlive the table. */
struct table *table_new(FILE *to, const struct table_column *columns, size_t n);
/* The next cell of the row; a row is whole with its last column. */
void table_cell(struct table *t, const char *text); /* NULL, "": "-" */
void table_cellf(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, in the colour of the state that TEXT names. */
void table_state(struct table *t, const char *text);
/* Prints the rows held back. */
void table_flush(struct table *t);
/* Rows added so far. */
size_t table_rows(const struct table *t);
/* Prints what is held and frees; a table without rows prints nothing. */
void table_end(struct table *t);

#endif
