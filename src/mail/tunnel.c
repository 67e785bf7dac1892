#include "mail/tunnel.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* The octets of the line at START, its end included; 0: it has no end here. */
static size_t
line_length(const char *start, size_t n)
{
	const char *end = memchr(start, '\n', n);

	return end ? (size_t)(end - start) + 1 : 0;
}

/* The same for a whole field, folded lines included. */
static size_t
field_length(const char *start, size_t n)
{
	size_t at = line_length(start, n), more;

	while (at && at < n && (start[at] == ' ' || start[at] == '\t')) {
		more = line_length(start + at, n - at);
		if (!more)
			return 0;
		at += more;
	}
	return at < n ? at : 0; /* whether it goes on stands behind */
}

static bool
is_priority(const char *field, size_t n)
{
	struct str rest, name = str_cut((struct str){field, n}, ':', &rest);

	return str_eq_nocase(str_trim(name), STR("MT-Priority"));
}

static bool
is_end(const char *line, size_t n)
{
	return line[0] == '\n' || (n > 1 && line[0] == '\r' && line[1] == '\n');
}

/* Takes the fields out; true: there was one. */
static bool
strip(char *start, size_t *n)
{
	size_t at = 0, length;
	bool found = false;

	while (at < *n && !is_end(start + at, *n - at)) {
		length = field_length(start + at, *n - at);
		if (!length)
			break;
		if (is_priority(start + at, length)) {
			memmove(start + at, start + at + length,
				*n - at - length);
			*n -= length;
			found = true;
		} else {
			at += length;
		}
	}
	return found;
}

size_t
tunnel_priority(char *start, size_t n, bool told, int priority)
{
	char field[TUNNEL_FIELD_MAX];
	size_t length;

	if (!strip(start, &n) && !told)
		return n;
	length = (size_t)snprintf(
		field, sizeof(field), "MT-Priority: %d\r\n", priority);
	memmove(start + length, start, n);
	memcpy(start, field, length);
	return n + length;
}
