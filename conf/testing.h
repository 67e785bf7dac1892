/* For the tests of this room: a text as a file, and what is wrong with it. */
#ifndef CONF_TESTING_H
#define CONF_TESTING_H

#include "conf/conf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { TESTING_WANTS_MAX = 8 };

struct testing_want {
	enum complaint_kind kind;
	unsigned line, column;
	const char *text;
};

/* The line hostname stands before SNIPPET, which so begins in line 2. */
struct testing_case {
	const char *snippet;
	struct testing_want want[TESTING_WANTS_MAX];
};

#define ERROR COMPLAINT_ERROR
#define WARNING COMPLAINT_WARNING

/* A file of its own with N octets of TEXT; given, to testing_remove. */
static inline char *
testing_file(const char *text, size_t n)
{
	char *name = str_dupz("/tmp/tidepost-conf-XXXXXX");
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	return name;
}

static inline void
testing_remove(char *name)
{
	unlink(name);
	free(name);
}

static inline void
testing_load(const char *text, struct conf **conf_r, struct complaints *out)
{
	char *name = testing_file(text, strlen(text));

	conf_load(name, conf_r, out);
	testing_remove(name);
}

/* Says which case, before the comparison that fails. */
static inline void
testing_compare(const struct testing_case *t, const struct complaints *out)
{
	size_t n = 0;

	for (; n < TESTING_WANTS_MAX && t->want[n].text; n++) {
		const struct testing_want *w = &t->want[n];
		const struct complaint *c = &out->v[n];

		if (n >= out->n || strcmp(c->text, w->text) != 0 ||
			c->line != w->line || c->column != w->column)
			print_message("in: %s\n", t->snippet);
		assert_true(n < out->n);
		assert_string_equal(c->text, w->text);
		assert_int_equal(c->line, w->line);
		assert_int_equal(c->column, w->column);
		assert_int_equal(c->kind, w->kind);
		assert_non_null(c->source);
	}
	if (out->n > n)
		print_message(
			"in: %s\nbeyond: %s\n", t->snippet, out->v[n].text);
	assert_int_equal(out->n, n);
}

static inline void
testing_cases(const struct testing_case *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = str_printf(
			"hostname = \"a.example\";\n%s\n", t[i].snippet);
		struct complaints out;
		struct conf *c;

		testing_load(text, &c, &out);
		testing_compare(&t[i], &out);
		assert_int_equal(c == NULL, out.errors > 0);
		conf_free(c);
		complaints_free(&out);
		free(text);
	}
}

#endif
