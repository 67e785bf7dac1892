#include "cli/account_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/conf.h"
#include "control/protocol.h"

enum { VALUE_SHOWN = 200 }; /* octets of a wrong value, in its error */

/* --- single values --- */

enum err_code
account_name_check(const char *name, struct err *e)
{
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > SASL_NAME_MAX - sizeof("customer:"))
		return err_set(e, ERR_USAGE, "a name has 1 to %d octets",
			(int)(SASL_NAME_MAX - sizeof("customer:")));
	while (rest.n) {
		uint32_t c;
		size_t n = utf8_next(rest, &c);

		if (n == 0 || utf8_is_control(c) || c == ' ')
			return err_set(e, ERR_USAGE,
				"a name is UTF-8 without blanks and controls");
		rest = str_skip(rest, n);
	}
	return OK;
}

static enum err_code
wrong(struct err *e, struct str value, const char *want)
{
	int n = value.n < VALUE_SHOWN ? (int)value.n : VALUE_SHOWN;

	return err_set(e, ERR_INVALID, "%.*s: not %s", n, value.p, want);
}

enum err_code
account_size_parse(struct str s, uint64_t *size_r, struct err *e)
{
	*size_r = 0;
	if (s.n == 0 || (conf_parse_size(s, size_r) && *size_r <= INT64_MAX))
		return OK;
	return wrong(e, s, "a size (as 20K, 4M)");
}

enum err_code
account_lifetime_parse(struct str s, int64_t *lifetime_s_r, struct err *e)
{
	int64_t ms = 0;

	*lifetime_s_r = 0;
	if (s.n && (!conf_parse_duration_ms(s, &ms) || (ms && ms < 1000)))
		return wrong(e, s, "a duration (as 12h, 5d)");
	*lifetime_s_r = ms / 1000;
	return OK;
}

enum err_code
account_priority_parse(struct str s, int *priority_r, struct err *e)
{
	*priority_r = 0;
	if (s.n == 0 || conf_parse_priority(s, priority_r))
		return OK;
	return wrong(e, s,
		"a priority (-9 to 9, or bulk, low, normal, urgent, flash)");
}

/* --- options --- */

static enum err_code
usage(struct err *e, const char *option, enum err_code code)
{
	return code == OK ? OK : err_wrap(e, ERR_USAGE, "%s", option);
}

/* All values of an option that is a text. */
static enum err_code
parse_text(const struct args *a, enum spool_setting which,
	struct spool_settings *s, struct err *e)
{
	enum err_code code = OK;
	char option[32] = "--";
	const char *value;

	str_copyz(option + 2, sizeof(option) - 2, spool_setting_name(which));
	for (size_t i = 0; code == OK && (value = args_nth(a, option, i)); i++)
		code = spool_settings_take(s, which, str_of(value), e);
	return usage(e, option, code);
}

/* *HAS_R, and the text of OPTION to be parsed. */
static struct str
numeric(const struct args *a, const char *option, bool *has_r)
{
	*has_r = args_has(a, option);
	return str_of(args_value(a, option));
}

static enum err_code
parse_numbers(const struct args *a, struct spool_settings *s, struct err *e)
{
	struct str quota = numeric(a, "--quota", &s->has_quota);
	struct str max_size = numeric(a, "--max-size", &s->has_max_size);
	struct str lifetime = numeric(a, "--lifetime", &s->has_lifetime);
	struct str priority =
		numeric(a, "--max-priority", &s->has_max_priority);
	enum err_code code =
		usage(e, "--quota", account_size_parse(quota, &s->quota, e));

	if (code == OK)
		code = usage(e, "--max-size",
			account_size_parse(max_size, &s->max_size, e));
	if (code == OK)
		code = usage(e, "--lifetime",
			account_lifetime_parse(lifetime, &s->lifetime_s, e));
	if (code == OK)
		code = usage(e, "--max-priority",
			account_priority_parse(priority, &s->max_priority, e));
	return code;
}

/* Words are taken here, anything else is the name of a file. */
static enum err_code
parse_recipients(const struct args *a, struct spool_settings *s, struct err *e)
{
	const char *word = args_value(a, "--recipients");

	if (!word)
		return OK;
	if (*word && strcmp(word, "any") != 0 && strcmp(word, "verify") != 0)
		return spool_settings_take(
			s, SETTING_RECIPIENTS, STR("list"), e);
	return spool_settings_take(s, SETTING_RECIPIENTS, str_of(word), e);
}

enum err_code
account_settings_parse(
	const struct args *a, struct spool_settings *s, struct err *e)
{
	static const enum spool_setting texts[] = {
		SETTING_SENDER, SETTING_DOMAIN, SETTING_NETWORK, SETTING_ETRN};
	enum err_code code = OK;

	*s = (struct spool_settings){0};
	for (size_t i = 0; code == OK && i < sizeof(texts) / sizeof(*texts);
		i++)
		code = parse_text(a, texts[i], s, e);
	if (code == OK)
		code = parse_numbers(a, s, e);
	if (code == OK)
		code = parse_recipients(a, s, e);
	return code;
}

/* --- the request --- */

/* A key for each line; "" once where there is none. */
static void
add_lines(struct request *r, const char *key, const char *lines)
{
	struct str rest = str_of(lines);

	if (lines && !*lines)
		request_add(r, key, "");
	while (rest.n) {
		char *line = str_dup(str_cut(rest, '\n', &rest));

		request_add(r, key, line);
		free(line);
	}
}

void
account_settings_request(const struct spool_settings *s, struct request *r)
{
	for (int i = 0; i < SETTINGS_N; i++)
		add_lines(r, spool_setting_name((enum spool_setting)i),
			s->text[i]);
	if (s->has_quota)
		request_add_int(r, KEY_QUOTA, (int64_t)s->quota);
	if (s->has_max_size)
		request_add_int(r, KEY_MAX_SIZE, (int64_t)s->max_size);
	if (s->has_lifetime)
		request_add_int(r, KEY_LIFETIME, s->lifetime_s);
	if (s->has_max_priority)
		request_add_int(r, KEY_MAX_PRIORITY, s->max_priority);
	if (s->has_suspended)
		request_add_int(r, KEY_SUSPENDED, s->suspended);
	if (s->has_recipients)
		request_add(r, KEY_RECIPIENTS,
			spool_recipients_name(s->recipients));
	for (size_t i = 0; i < s->list_n; i++)
		request_add(r, KEY_RECIPIENT, s->list[i]);
}
