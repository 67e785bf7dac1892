/* Keys as items of tidepost.conf(5). */
#include "conf/schema.h"

#include "conf/conf.h"

enum { MANUAL_COLUMNS = 80 };

static const char *
type_text(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_GROUP:
		return "Group";
	case SCHEMA_LIST:
		return "List of groups";
	case SCHEMA_STRING:
		return "Text";
	case SCHEMA_STRINGS:
		return "Texts";
	case SCHEMA_WORD:
		return "One of";
	case SCHEMA_BOOL:
		return "True or false";
	case SCHEMA_INT:
		return "Whole number";
	case SCHEMA_FLOAT:
		return "Number";
	case SCHEMA_SIZE:
		return "Size";
	case SCHEMA_DURATION:
		return "Duration";
	case SCHEMA_DURATIONS:
		return "Durations";
	case SCHEMA_PRIORITY:
		return "Priority";
	}
	return "";
}

/* "Whole number, 78 to 1048576 octets, default 998." */
static void
add_facts(const struct schema_row *row, struct buf *out)
{
	char range[SCHEMA_RANGE_MAX];
	struct str words = str_of(row->words);

	buf_addz(out, type_text(row));
	for (const char *part = " "; words.n; part = ", ") {
		buf_addz(out, part);
		buf_adds(out, str_cut(words, ' ', &words));
	}
	schema_range_text(row, range);
	if (range[0])
		buf_addf(out, ", %s", range);
	if (row->required)
		buf_addz(out, ", required");
	if (row->fallback)
		buf_addf(out, ", default %s", row->fallback);
	buf_addz(out, ".\n");
}

/* What would be taken for a request of mdoc(7) at the start of a line. */
static void
add_word(struct buf *out, struct str word, bool first)
{
	if (first && (word.p[0] == '.' || word.p[0] == '\''))
		buf_addz(out, "\\&");
	for (size_t i = 0; i < word.n; i++)
		buf_adds(out, word.p[i] == '\\' ? STR("\\e")
						: (struct str){&word.p[i], 1});
}

/* A sentence begins a line; none is wider than a terminal. */
static void
add_sentences(struct str text, struct buf *out)
{
	size_t column = 0;
	bool ended = false;

	while (text.n) {
		struct str word = str_cut(text, ' ', &text);
		bool first = column == 0 || ended ||
			     column + 1 + word.n > MANUAL_COLUMNS;

		if (column)
			buf_addz(out, first ? "\n" : " ");
		column = first ? word.n : column + 1 + word.n;
		add_word(out, word, first);
		ended = word.p[word.n - 1] == '.';
	}
	buf_addz(out, "\n");
}

bool
conf_manual_item(size_t i, struct buf *out)
{
	const struct schema_row *row = schema_row(i);

	if (!row)
		return false;
	buf_addf(out, ".It Ic %s\n", row->path);
	add_facts(row, out);
	add_sentences(str_of(row->sentence), out);
	return true;
}
