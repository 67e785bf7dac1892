#include "cli/filter.h"

#include <inttypes.h>

#include "conf/conf.h"
#include "control/protocol.h"

/* Which option is which key of a request. */
static const struct {
	const char *option, *key;
} texts[] = {
	{"--from", KEY_FROM},
	{"--to", KEY_TO},
	{"--state", KEY_STATE},
	{"--route", KEY_ROUTE},
};
enum { TEXTS_N = sizeof(texts) / sizeof(*texts) };

bool
filter_given(const struct args *a)
{
	for (size_t i = 0; i < TEXTS_N; i++)
		if (args_has(a, texts[i].option))
			return true;
	return args_has(a, "--older") || args_has(a, "--larger");
}

/* *older_r: seconds; -1: not given. */
static enum err_code
parse_older(const struct args *a, int64_t *older_r, struct err *e)
{
	const char *text = args_value(a, "--older");
	int64_t ms;

	*older_r = -1;
	if (!text)
		return OK;
	if (!conf_parse_duration_ms(str_of(text), &ms) || ms < 0)
		return err_set(e, ERR_USAGE,
			"--older %s: not a duration (as 90s, 2h, 5d)", text);
	*older_r = ms / 1000;
	return OK;
}

static enum err_code
parse_larger(const struct args *a, uint64_t *larger_r, struct err *e)
{
	const char *text = args_value(a, "--larger");

	if (text && !conf_parse_size(str_of(text), larger_r))
		return err_set(e, ERR_USAGE,
			"--larger %s: not a size (as 20K, 4M)", text);
	return OK;
}

static enum err_code
parse_state(const struct args *a, struct spool_filter *f, struct err *e)
{
	const char *text = args_value(a, "--state");

	if (!text)
		return OK;
	f->has_state = true;
	if (!spool_state_parse(str_of(text), &f->state))
		return err_set(e, ERR_USAGE,
			"--state %s: one of receiving, ready, active, "
			"deferred, held, deleted",
			text);
	return OK;
}

enum err_code
filter_parse(const struct args *a, int64_t now_s, struct spool_filter *f_r,
	struct err *e)
{
	int64_t older = -1;
	enum err_code code;

	*f_r = (struct spool_filter){.from = args_value(a, "--from"),
		.to = args_value(a, "--to"),
		.route = args_value(a, "--route")};
	code = parse_state(a, f_r, e);
	if (code == OK)
		code = parse_older(a, &older, e);
	if (code == OK)
		code = parse_larger(a, &f_r->larger, e);
	if (older >= 0)
		f_r->queued_before = older < now_s ? now_s - older : 1;
	return code;
}

void
filter_request(const struct args *a, struct record *r)
{
	uint64_t larger = 0;
	int64_t older = -1;

	for (size_t i = 0; i < TEXTS_N; i++)
		record_add(r, texts[i].key, args_value(a, texts[i].option));
	if (parse_older(a, &older, NULL) == OK && older >= 0)
		record_add_int(r, KEY_OLDER, older);
	if (parse_larger(a, &larger, NULL) == OK && larger)
		record_addf(r, KEY_LARGER, "%" PRIu64, larger);
}

enum err_code
filter_number(const struct args *a, const char *name, uint64_t most,
	uint64_t *value_r, struct err *e)
{
	const char *text = args_value(a, name);
	uint64_t value;

	if (!text)
		return OK;
	if (!str_u64(str_of(text), &value) || value > most)
		return err_set(e, ERR_USAGE,
			"%s %s: not a number from 0 to %" PRIu64, name, text,
			most);
	*value_r = value;
	return OK;
}
