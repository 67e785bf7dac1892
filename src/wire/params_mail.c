/* The parameters of MAIL: what params_value.h asks of each. */
#include "wire/params_value.h"

#include <inttypes.h>

#include "wire/address.h"
#include "wire/xtext.h"

enum {
	SIZE_DIGITS_MAX = 20,	 /* RFC 1870 3 */
	SECONDS_DIGITS_MAX = 9,	 /* RFC 2852 4, RFC 4865 3 */
	SECONDS_MAX = 999999999, /* of them */
	PRIORITY_MIN = '1',
	PRIORITY_MAX = '9', /* RFC 6710 7 */
};

static enum params_result
ok_if(bool right)
{
	return right ? PARAMS_OK : PARAMS_SYNTAX;
}

/* RFC 1870 3 */
enum params_result
params_parse_size(struct str value, unsigned offered, struct params_target t)
{
	(void)offered;
	if (value.n == 0 || value.n > SIZE_DIGITS_MAX)
		return PARAMS_SYNTAX;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return PARAMS_SYNTAX;
	/* 20 digits may be more than 64 bits: more than any limit, then */
	t.mail->has_size = true;
	if (!str_u64(value, &t.mail->size_bytes))
		t.mail->size_bytes = UINT64_MAX;
	return PARAMS_OK;
}

void
params_write_size(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->has_size)
		buf_addf(out, " SIZE=%" PRIu64, s.mail->size_bytes);
}

const char *
body_name(enum body body)
{
	switch (body) {
	case BODY_7BIT:
		return "7BIT";
	case BODY_8BITMIME:
		return "8BITMIME";
	case BODY_BINARYMIME:
		return "BINARYMIME";
	}
	return "";
}

/* RFC 6152 2, RFC 3030 3. A server may offer one of the two alone. */
enum params_result
params_parse_body(struct str value, unsigned offered, struct params_target t)
{
	for (enum body b = BODY_7BIT; b <= BODY_BINARYMIME; b++) {
		if (!str_eq_nocase(value, str_of(body_name(b))))
			continue;
		t.mail->body = b;
		if (b == BODY_BINARYMIME && !(offered & EXT_BINARYMIME))
			return PARAMS_UNKNOWN;
		return PARAMS_OK;
	}
	return PARAMS_SYNTAX;
}

void
params_write_body(struct params_source s, unsigned offered, struct buf *out)
{
	enum body b = s.mail->body;

	if (b == BODY_7BIT ||
		(b == BODY_BINARYMIME && !(offered & EXT_BINARYMIME)))
		return;
	buf_addf(out, " BODY=%s", body_name(b));
}

/* RFC 6531 3.4 */
enum params_result
params_parse_smtputf8(
	struct str value, unsigned offered, struct params_target t)
{
	(void)value;
	(void)offered;
	t.mail->smtputf8 = true;
	return PARAMS_OK;
}

void
params_write_smtputf8(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->smtputf8)
		buf_addz(out, " SMTPUTF8");
}

/* RFC 8689 2 */
enum params_result
params_parse_requiretls(
	struct str value, unsigned offered, struct params_target t)
{
	(void)value;
	(void)offered;
	t.mail->requiretls = true;
	return PARAMS_OK;
}

void
params_write_requiretls(
	struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->requiretls)
		buf_addz(out, " REQUIRETLS");
}

/*
 * RFC 4954 5: xtext of a mailbox, or "<>". Mechanisms apart, the mailbox may
 * be in UTF-8 (RFC 6531 3.3).
 */
enum params_result
params_parse_auth(struct str value, unsigned offered, struct params_target t)
{
	struct mail_params *p = t.mail;
	struct mailbox mailbox;
	struct buf plain;
	bool right;

	buf_init(&plain, WIRE_MAILBOX_MAX);
	right = xtext_decode(value, &plain) &&
		(str_eq(buf_view(&plain), STR("<>")) ||
			address_parse(buf_view(&plain), offered & EXT_SMTPUTF8,
				&mailbox)) &&
		str_copy(p->auth, sizeof(p->auth), value);
	p->has_auth = right;
	buf_free(&plain);
	return ok_if(right);
}

void
params_write_auth(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->has_auth)
		buf_addf(out, " AUTH=%s", s.mail->auth);
}

/* RFC 6710 7: (["-"] "1" to "9") / "0" */
enum params_result
params_parse_priority(
	struct str value, unsigned offered, struct params_target t)
{
	bool minus = value.n == 2 && value.p[0] == '-';
	char digit = value.p[value.n - 1];
	int n = digit - '0';

	(void)offered;
	t.mail->has_priority = true;
	t.mail->priority = minus ? -n : n;
	return ok_if((value.n == 1 && digit == '0') ||
		     (value.n == (minus ? 2 : 1) && digit >= PRIORITY_MIN &&
			     digit <= PRIORITY_MAX));
}

void
params_write_priority(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->has_priority)
		buf_addf(out, " MT-PRIORITY=%d", s.mail->priority);
}

/* 1*9DIGIT */
static bool
parse_seconds(struct str s, int64_t *seconds_r)
{
	uint64_t value;

	if (s.n > SECONDS_DIGITS_MAX || !str_u64(s, &value))
		return false;
	*seconds_r = (int64_t)value;
	return true;
}

/* RFC 2852 4: ["-" / "+"] 1*9DIGIT ";" ("N" / "R") ["T"] */
enum params_result
params_parse_by(struct str value, unsigned offered, struct params_target t)
{
	struct mail_params *p = t.mail;
	struct str mode, by_time = str_cut(value, ';', &mode);
	bool minus = by_time.n > 0 && by_time.p[0] == '-';

	(void)offered;
	if (minus || (by_time.n > 0 && by_time.p[0] == '+'))
		by_time = str_skip(by_time, 1);
	if (!parse_seconds(by_time, &p->deliver_by_s))
		return PARAMS_SYNTAX;
	if (minus)
		p->deliver_by_s = -p->deliver_by_s;
	if (str_starts_nocase(mode, STR("N")))
		p->deliver_by_mode = 'N';
	else if (str_starts_nocase(mode, STR("R")) && p->deliver_by_s > 0)
		p->deliver_by_mode = 'R';
	else
		return PARAMS_SYNTAX;
	mode = str_skip(mode, 1);
	p->has_deliver_by = true;
	p->deliver_by_trace = str_eq_nocase(mode, STR("T"));
	return ok_if(mode.n == 0 || p->deliver_by_trace);
}

void
params_write_by(struct params_source s, unsigned offered, struct buf *out)
{
	int64_t by_s = s.mail->deliver_by_s;

	(void)offered;
	if (!s.mail->has_deliver_by)
		return;
	/* What is overdue for longer than can be said is just as overdue. */
	if (by_s < -SECONDS_MAX)
		by_s = -SECONDS_MAX;
	if (by_s > SECONDS_MAX)
		by_s = SECONDS_MAX;
	buf_addf(out, " BY=%" PRId64 ";%c%s", by_s, s.mail->deliver_by_mode,
		s.mail->deliver_by_trace ? "T" : "");
}
