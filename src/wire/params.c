#include "wire/params.h"

#include "wire/grammar.h"
#include "wire/params_value.h"

enum side { SIDE_MAIL, SIDE_RCPT };
enum value { VALUE_NONE, VALUE_NEEDED };

/* THE table: keyword, side, what must be on (any of the bits), the rest. */
static const struct row {
	const char *keyword;
	enum side side;
	unsigned ext;
	enum value value;
	params_parse_fn *parse;
	params_write_fn *write;
} rows[] = {
	{"SIZE", SIDE_MAIL, EXT_SIZE, VALUE_NEEDED, params_parse_size,
		params_write_size},
	{"BODY", SIDE_MAIL, EXT_8BITMIME | EXT_BINARYMIME, VALUE_NEEDED,
		params_parse_body, params_write_body},
	{"SMTPUTF8", SIDE_MAIL, EXT_SMTPUTF8, VALUE_NONE, params_parse_smtputf8,
		params_write_smtputf8},
	{"REQUIRETLS", SIDE_MAIL, EXT_REQUIRETLS, VALUE_NONE,
		params_parse_requiretls, params_write_requiretls},
	{"RET", SIDE_MAIL, EXT_DSN, VALUE_NEEDED, params_parse_ret,
		params_write_ret},
	{"ENVID", SIDE_MAIL, EXT_DSN, VALUE_NEEDED, params_parse_envid,
		params_write_envid},
	{"AUTH", SIDE_MAIL, EXT_AUTH, VALUE_NEEDED, params_parse_auth,
		params_write_auth},
	{"MT-PRIORITY", SIDE_MAIL, EXT_MT_PRIORITY, VALUE_NEEDED,
		params_parse_priority, params_write_priority},
	{"BY", SIDE_MAIL, EXT_DELIVERBY, VALUE_NEEDED, params_parse_by,
		params_write_by},
	{"HOLDFOR", SIDE_MAIL, EXT_FUTURERELEASE, VALUE_NEEDED,
		params_parse_hold_for, params_write_hold_for},
	{"HOLDUNTIL", SIDE_MAIL, EXT_FUTURERELEASE, VALUE_NEEDED,
		params_parse_hold_until, params_write_hold_until},
	{"NOTIFY", SIDE_RCPT, EXT_DSN, VALUE_NEEDED, params_parse_notify,
		params_write_notify},
	{"ORCPT", SIDE_RCPT, EXT_DSN, VALUE_NEEDED, params_parse_orcpt,
		params_write_orcpt},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *
find_row(struct str keyword, enum side side)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].side == side &&
			str_eq_nocase(keyword, str_of(rows[i].keyword)))
			return &rows[i];
	return NULL;
}

/* PARAM is one word. *seen: bits of the rows that have been there. */
static enum params_result
parse_one(struct str param, enum side side, unsigned offered, unsigned *seen,
	struct params_target target)
{
	struct str keyword, value = {"", 0};
	const struct row *row;
	bool has_value;
	unsigned bit;

	if (!grammar_keyword(&param, &keyword))
		return PARAMS_SYNTAX;
	has_value = param.n > 0;
	if (has_value) {
		if (param.p[0] != '=')
			return PARAMS_SYNTAX;
		param = str_skip(param, 1);
		if (!grammar_value(&param, offered & EXT_SMTPUTF8, &value) ||
			param.n > 0)
			return PARAMS_SYNTAX;
	}
	row = find_row(keyword, side);
	if (!row || !(row->ext & offered))
		return PARAMS_UNKNOWN;
	bit = 1U << (row - rows);
	if (*seen & bit)
		return PARAMS_REPEATED;
	*seen |= bit;
	if (has_value != (row->value == VALUE_NEEDED))
		return PARAMS_SYNTAX;
	return row->parse(value, offered, target);
}

/* REST begins with a blank, or is empty. Blanks at the end are fine (4.1.1). */
static enum params_result
parse(struct str rest, enum side side, unsigned offered,
	struct params_target target, struct str *bad_r)
{
	unsigned seen = 0;

	if (rest.n > 0 && rest.p[0] != ' ') {
		*bad_r = rest;
		return PARAMS_SYNTAX;
	}
	while (rest.n > 0) {
		struct str param = str_cut(rest, ' ', &rest);
		enum params_result result;

		if (param.n == 0)
			continue;
		result = parse_one(param, side, offered, &seen, target);
		if (result != PARAMS_OK) {
			*bad_r = param;
			return result;
		}
	}
	return PARAMS_OK;
}

enum params_result
params_mail(struct str rest, unsigned offered, struct mail_params *params_r,
	struct str *bad_r)
{
	*params_r = (struct mail_params){0};
	return parse(rest, SIDE_MAIL, offered,
		(struct params_target){.mail = params_r}, bad_r);
}

enum params_result
params_rcpt(struct str rest, unsigned offered, struct rcpt_params *params_r,
	struct str *bad_r)
{
	*params_r = (struct rcpt_params){0};
	return parse(rest, SIDE_RCPT, offered,
		(struct params_target){.rcpt = params_r}, bad_r);
}

static void
write_side(enum side side, struct params_source source, unsigned offered,
	struct buf *out)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].side == side && (rows[i].ext & offered))
			rows[i].write(source, offered, out);
}

void
params_mail_write(
	const struct mail_params *p, unsigned offered, struct buf *out)
{
	write_side(SIDE_MAIL, (struct params_source){.mail = p}, offered, out);
}

void
params_rcpt_write(
	const struct rcpt_params *p, unsigned offered, struct buf *out)
{
	write_side(SIDE_RCPT, (struct params_source){.rcpt = p}, offered, out);
}
