#include "faces/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { COLUMNS_DEFAULT = 80 };

static struct {
	unsigned columns; /* 0: not a terminal */
	bool utf8;
} output;

static unsigned
measure_terminal(void)
{
	struct winsize size;
	uint64_t columns;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (str_u64(str_of(getenv("COLUMNS")), &columns) && columns &&
		columns < UINT16_MAX)
		return (unsigned)columns;
	return COLUMNS_DEFAULT;
}

void
text_init(void)
{
	setlocale(LC_CTYPE, "");
	text_assume(
		measure_terminal(), strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
}

void
text_assume(unsigned width, bool utf8)
{
	output.columns = width;
	output.utf8 = utf8;
}

void
text_assume_width(unsigned width)
{
	output.columns = width;
}

bool
text_on_terminal(void)
{
	return output.columns != 0;
}

unsigned
text_terminal_columns(void)
{
	return output.columns;
}

static void
add_octets(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
}

void
text_clean(struct buf *out, struct str s)
{
	bool ascii_only = output.columns && !output.utf8;

	while (s.n) {
		uint32_t c;
		size_t n = utf8_next(s, &c);
		struct str octets = {s.p, n ? n : 1};

		if (n == 0 || (ascii_only && c > 0x7e))
			add_octets(out, octets);
		else if (utf8_is_control(c) && c < 0x80)
			add_octets(out, octets);
		else if (utf8_is_control(c))
			buf_addf(out, "\\u{%" PRIx32 "}", c);
		else
			buf_adds(out, octets);
		s = str_skip(s, octets.n);
	}
}

static unsigned
character_columns(uint32_t c)
{
	int columns = output.utf8 ? wcwidth((wchar_t)c) : 1;

	return columns < 0 ? 1 : (unsigned)columns;
}

struct str
text_front(struct str clean, unsigned columns)
{
	struct str rest = clean;

	while (rest.n) {
		uint32_t c = 0;
		size_t n = utf8_next(rest, &c);
		unsigned wide = character_columns(c);

		if (wide > columns)
			break;
		columns -= wide;
		rest = str_skip(rest, n ? n : 1);
	}
	return (struct str){clean.p, clean.n - rest.n};
}

unsigned
text_columns(struct str clean)
{
	unsigned columns = 0;

	while (clean.n) {
		uint32_t c = 0;
		size_t n = utf8_next(clean, &c);

		columns += character_columns(c);
		clean = str_skip(clean, n ? n : 1);
	}
	return columns;
}

void
text_print(FILE *to, struct str s)
{
	struct buf clean;
	struct str view;

	buf_init(&clean, 0);
	text_clean(&clean, s);
	view = buf_view(&clean);
	fwrite(view.p, 1, view.n, to);
	buf_free(&clean);
}

void
text_print_lines(FILE *to, struct str s)
{
	while (s.n) {
		text_print(to, str_cut(s, '\n', &s));
		fputc('\n', to);
	}
}

/* The newline that ends a line of ours stays; those inside are cleaned. */
void
text_printf(FILE *to, const char *fmt, ...)
{
	va_list ap;
	char *text;
	struct str s;
	bool line;

	va_start(ap, fmt);
	text = str_vprintf(fmt, ap);
	va_end(ap);
	s = str_of(text);
	line = s.n && s.p[s.n - 1] == '\n';
	text_print(to, (struct str){s.p, s.n - line});
	if (line)
		fputc('\n', to);
	free(text);
}

void
text_size(uint64_t octets, char out[TEXT_SHORT_MAX])
{
	static const char units[] = "KMGT";
	double value = (double)octets;
	size_t unit = 0;

	if (octets < 1000) {
		snprintf(out, TEXT_SHORT_MAX, "%" PRIu64, octets);
		return;
	}
	for (value /= 1024; value >= 999.95 && units[unit + 1]; unit++)
		value /= 1024;
	snprintf(out, TEXT_SHORT_MAX, "%.1f%c", value, units[unit]);
}

void
text_age(int64_t s, char out[TEXT_SHORT_MAX])
{
	if (s < 3600)
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "m",
			s < 0 ? 0 : s / 60);
	else if (s < 86400)
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "h", s / 3600);
	else
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "d", s / 86400);
}

void
text_duration(int64_t s, char out[TEXT_SHORT_MAX])
{
	if (s < 60)
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "s", s < 0 ? 0 : s);
	else if (s < 3600)
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "m%02" PRId64 "s",
			s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "h%02" PRId64 "m",
			s / 3600, s / 60 % 60);
	else
		snprintf(out, TEXT_SHORT_MAX, "%" PRId64 "d%" PRId64 "h",
			s / 86400, s / 3600 % 24);
}

void
text_time(int64_t wall_s, char out[TEXT_SHORT_MAX])
{
	char *t;

	if (wall_s == 0) {
		strcpy(out, "-");
		return;
	}
	_Static_assert((int)TEXT_SHORT_MAX >= (int)CLOCK_TEXT_MAX,
		"clock_rfc3339 fills as much");
	clock_rfc3339(wall_s, out);
	t = strchr(out, 'T');
	if (t)
		*t = ' ';
}

const char *
text_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}
