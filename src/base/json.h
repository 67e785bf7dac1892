/*
 * Writing JSON (RFC 8259), one object a line.
 *
 *	json_begin(&j);
 *	json_text(&j, "id", "4711.2");
 *	json_array(&j, "domains"); json_text(&j, NULL, "a.example");
 *json_end(&j); json_print(&j, stdout);
 *
 * Always valid, whatever the text: control characters are escaped, octets
 * that are not UTF-8 become \ufffd. Key NULL: an item of an array.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdio.h>

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 8 };

struct json {
	struct buf out;
	char closing[JSON_DEPTH_MAX]; /* what ends each open level */
	unsigned depth;
	bool comma; /* something stands before on this level */
};

void json_init(struct json *j);
void json_free(struct json *j);

/* Starts a new line with an open object. */
void json_begin(struct json *j);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j); /* the innermost open level */

void json_null(struct json *j, const char *key);
void json_bool(struct json *j, const char *key, bool value);
void json_int(struct json *j, const char *key, int64_t value);
void json_uint(struct json *j, const char *key, uint64_t value);
/* A number with a fraction; null where it is not finite. */
void json_real(struct json *j, const char *key, double value);
/* NULL gives null. */
void json_text(struct json *j, const char *key, const char *value);
/* NULL and "" give null. */
void json_word(struct json *j, const char *key, const char *value);
/* RFC 3339; 0 gives null. */
void json_time(struct json *j, const char *key, int64_t wall_s);
/* An array of the lines of LINES ('\n' between; NULL: none). */
void json_lines(struct json *j, const char *key, const char *lines);

/* Closes what is open: the line, borrowed until the next call. */
struct str json_line(struct json *j);
/* The same, printed; the next line may begin. */
void json_print(struct json *j, FILE *to);

#endif
