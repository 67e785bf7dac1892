#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/utf8.h"

void
json_init(struct json *j)
{
	*j = (struct json){0};
}

void
json_free(struct json *j)
{
	buf_free(&j->out);
}

static void
add_escaped(struct buf *out, uint32_t c, struct str octets)
{
	if (c == '"' || c == '\\')
		buf_addf(out, "\\%c", (int)c);
	else if (c == '\n')
		buf_addz(out, "\\n");
	else if (utf8_is_control(c))
		buf_addf(out, "\\u%04" PRIx32, c);
	else
		buf_adds(out, octets);
}

static void
add_string(struct buf *out, struct str s)
{
	buf_addz(out, "\"");
	while (s.n) {
		uint32_t c;
		size_t n = utf8_next(s, &c);

		if (n == 0) {
			buf_addz(out, "\\ufffd");
			n = 1;
		} else {
			add_escaped(out, c, (struct str){s.p, n});
		}
		s = str_skip(s, n);
	}
	buf_addz(out, "\"");
}

/* The comma and the key before a value. */
static void
add_key(struct json *j, const char *key)
{
	if (j->comma)
		buf_addz(&j->out, ",");
	j->comma = true;
	if (key) {
		add_string(&j->out, str_of(key));
		buf_addz(&j->out, ":");
	}
}

static void
open_level(struct json *j, const char *key, const char *opening, char closing)
{
	assert(j->depth < JSON_DEPTH_MAX);
	add_key(j, key);
	buf_addz(&j->out, opening);
	j->closing[j->depth++] = closing;
	j->comma = false;
}

void
json_begin(struct json *j)
{
	buf_clear(&j->out);
	j->depth = 0;
	j->comma = false;
	open_level(j, NULL, "{", '}');
}

void
json_object(struct json *j, const char *key)
{
	open_level(j, key, "{", '}');
}

void
json_array(struct json *j, const char *key)
{
	open_level(j, key, "[", ']');
}

void
json_end(struct json *j)
{
	assert(j->depth > 0);
	buf_add(&j->out, &j->closing[--j->depth], 1);
	j->comma = true;
}

void
json_null(struct json *j, const char *key)
{
	add_key(j, key);
	buf_addz(&j->out, "null");
}

void
json_bool(struct json *j, const char *key, bool value)
{
	add_key(j, key);
	buf_addz(&j->out, value ? "true" : "false");
}

void
json_int(struct json *j, const char *key, int64_t value)
{
	add_key(j, key);
	buf_addf(&j->out, "%" PRId64, value);
}

void
json_uint(struct json *j, const char *key, uint64_t value)
{
	add_key(j, key);
	buf_addf(&j->out, "%" PRIu64, value);
}

void
json_real(struct json *j, const char *key, double value)
{
	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	/* With a point: of the locale only LC_CTYPE is ever set. */
	add_key(j, key);
	buf_addf(&j->out, "%.10g", value);
}

void
json_text(struct json *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	add_key(j, key);
	add_string(&j->out, str_of(value));
}

void
json_word(struct json *j, const char *key, const char *value)
{
	json_text(j, key, value && *value ? value : NULL);
}

void
json_time(struct json *j, const char *key, int64_t wall_s)
{
	char text[CLOCK_TEXT_MAX];

	if (wall_s)
		clock_rfc3339(wall_s, text);
	json_text(j, key, wall_s ? text : NULL);
}

void
json_lines(struct json *j, const char *key, const char *lines)
{
	struct str rest = str_of(lines);

	json_array(j, key);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);

		add_key(j, NULL);
		add_string(&j->out, line);
	}
	json_end(j);
}

struct str
json_line(struct json *j)
{
	while (j->depth)
		json_end(j);
	buf_addz(&j->out, "\n");
	return buf_view(&j->out);
}

void
json_print(struct json *j, FILE *to)
{
	struct str line = json_line(j);

	fwrite(line.p, 1, line.n, to);
	buf_clear(&j->out);
}
