#include "tui/request.h"

#include "base/utf8.h"
#include "tui/screen.h"

/* clang-format off */
const struct request_row request_rows[REQUESTS_N] = {
#define REQUEST_ROW(id, name_, keys_, where_, help_)                           \
	[REQUEST_##id] = {                                                     \
		.name = name_, .keys = keys_, .where = where_, .help = help_},
	REQUESTS(REQUEST_ROW)
#undef REQUEST_ROW
};
/* clang-format on */

static const struct {
	const char *name;
	int key;
} names[] = {
	{"Enter", KEYS_ENTER},
	{"Esc", KEYS_ESCAPE},
	{"Tab", KEYS_TAB},
	{"Space", ' '},
	{"Up", KEYS_UP},
	{"Down", KEYS_DOWN},
	{"Left", KEYS_LEFT},
	{"Right", KEYS_RIGHT},
	{"PgUp", KEYS_PAGE_UP},
	{"PgDn", KEYS_PAGE_DOWN},
	{"Home", KEYS_HOME},
	{"End", KEYS_END},
	{"Ins", KEYS_INSERT},
	{"Del", KEYS_DELETE},
	{"Backspace", KEYS_BACKSPACE},
	{"F1", KEYS_F1},
};

int
key_of_name(struct str name)
{
	uint32_t c;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(name, str_of(names[i].name)))
			return names[i].key;
	if (name.n == 2 && name.p[0] == '^' && name.p[1] >= '@' &&
		name.p[1] <= '_')
		return name.p[1] - '@';
	if (name.n && utf8_next(name, &c) == name.n)
		return (int)c;
	return KEYS_NONE;
}

static bool
has_key(const struct request_row *row, int key)
{
	struct str rest = str_of(row->keys);

	while (rest.n)
		if (key_of_name(str_cut(rest, ' ', &rest)) == key)
			return true;
	return false;
}

enum tui_request
request_of_key(int key, unsigned in)
{
	enum tui_request general = REQUEST_NONE;

	for (enum tui_request r = REQUEST_NONE + 1; r < REQUESTS_N; r++) {
		if (!(request_rows[r].where & in) ||
			!has_key(&request_rows[r], key))
			continue;
		if (request_rows[r].where != IN_ALL)
			return r;
		general = r;
	}
	return general;
}

enum tui_request
request_of_name(struct str name)
{
	for (enum tui_request r = REQUEST_NONE + 1; r < REQUESTS_N; r++)
		if (str_eq(name, str_of(request_rows[r].name)))
			return r;
	return REQUEST_NONE;
}
