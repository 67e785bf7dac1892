/*
 * The values of single parameters, for the table in params.c alone.
 *
 * A parser takes the text behind "=" (empty for a parameter without value) and
 * stores it; a writer appends " KEY=VALUE" if the parameter was given.
 */
#ifndef WIRE_PARAMS_VALUE_H
#define WIRE_PARAMS_VALUE_H

#include "wire/params.h"

/* The side in use is set, the other is NULL. */
struct params_target {
	struct mail_params *mail;
	struct rcpt_params *rcpt;
};

struct params_source {
	const struct mail_params *mail;
	const struct rcpt_params *rcpt;
};

typedef enum params_result params_parse_fn(
	struct str value, unsigned offered, struct params_target t);
typedef void params_write_fn(
	struct params_source s, unsigned offered, struct buf *out);

params_parse_fn params_parse_size, params_parse_body, params_parse_smtputf8,
	params_parse_requiretls, params_parse_ret, params_parse_envid,
	params_parse_auth, params_parse_priority, params_parse_by,
	params_parse_hold_for, params_parse_hold_until, params_parse_notify,
	params_parse_orcpt;
params_write_fn params_write_size, params_write_body, params_write_smtputf8,
	params_write_requiretls, params_write_ret, params_write_envid,
	params_write_auth, params_write_priority, params_write_by,
	params_write_hold_for, params_write_hold_until, params_write_notify,
	params_write_orcpt;

#endif
