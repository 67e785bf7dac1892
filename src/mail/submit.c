#include "mail/submit.h"

#include "mail/addrlist.h"
#include "mail/header.h"

#include <string.h>

void
submit_init(struct submit *s)
{
	*s = (struct submit){.line = 1};
	buf_init(&s->header, SUBMIT_HEADER_MAX);
}

void
submit_free(struct submit *s)
{
	if (s)
		buf_free(&s->header);
}

/* --- collecting ----------------------------------------------------------- */

static void
set_fault(struct submit *s, const char *what)
{
	reply_set(&s->fault, 550, "5.6.0", "%s in line %llu of the header",
		what, (unsigned long long)s->line);
	s->state = SUBMIT_DONE;
}

/* The line in hand is not a field. */
static void
meet_other_line(struct submit *s)
{
	s->headless = s->line == 1;
	if (s->headless)
		s->state = SUBMIT_DONE;
	else
		set_fault(s, "Neither a field nor folded text");
}

static void
end_line(struct submit *s)
{
	if (s->state == SUBMIT_LINE) {
		s->state = SUBMIT_DONE; /* RFC 5322 2.1 */
	} else if (s->state == SUBMIT_VALUE) {
		s->state = SUBMIT_LINE;
		s->line++;
	} else {
		meet_other_line(s);
	}
}

/* RFC 5322 2.2: printable ASCII but the colon. */
static bool
is_name(char c)
{
	return c > ' ' && c < 127 && c != ':';
}

static void
feed_name(struct submit *s, char c)
{
	bool blank = c == ' ' || c == '\t';

	if (s->state == SUBMIT_LINE && blank && s->line > 1)
		s->state = SUBMIT_VALUE; /* folded */
	else if (s->state == SUBMIT_LINE && is_name(c))
		s->state = SUBMIT_NAME;
	else if (s->state == SUBMIT_NAME && is_name(c))
		;
	else if (s->state != SUBMIT_LINE && blank)
		s->state = SUBMIT_COLON; /* obsolete, 4.5 */
	else if (s->state != SUBMIT_LINE && c == ':')
		s->state = SUBMIT_VALUE;
	else
		meet_other_line(s);
}

/*
 * Line ends are checked for the sake of BODY=BINARYMIME, whose header is one of
 * lines nevertheless (RFC 3030 3); other content was refused before.
 */
static void
feed_octet(struct submit *s, char c)
{
	if (s->saw_cr && c == '\n') {
		s->saw_cr = false;
		end_line(s);
	} else if (s->saw_cr || c == '\n' || c == '\0') {
		if (s->state == SUBMIT_VALUE || s->line > 1)
			set_fault(s, "Bare CR, bare LF or NUL");
		else
			meet_other_line(s);
	} else if (c == '\r') {
		s->saw_cr = true;
	} else if (s->state != SUBMIT_VALUE) {
		feed_name(s, c);
	}
}

static void
set_too_large(struct submit *s)
{
	reply_set(&s->fault, 552, "5.3.4",
		"Header too large, more than %d octets", SUBMIT_HEADER_MAX);
	s->state = SUBMIT_DONE;
}

size_t
submit_feed(struct submit *s, struct str octets)
{
	size_t room = buf_room(&s->header), n = 0;

	while (n < octets.n && s->state != SUBMIT_DONE) {
		if (n == room)
			set_too_large(s);
		else
			feed_octet(s, octets.p[n++]);
	}
	buf_add(&s->header, octets.p, n);
	if (s->fault.code)
		buf_free(&s->header);
	return n;
}

void
submit_end(struct submit *s)
{
	if (s->state == SUBMIT_DONE)
		return;
	if (s->header.len == 0)
		s->headless = true;
	else if (s->saw_cr)
		feed_octet(s, '\0'); /* a bare CR */
	else if (s->state == SUBMIT_NAME || s->state == SUBMIT_COLON)
		meet_other_line(s);
	s->state = SUBMIT_DONE;
	if (s->fault.code)
		buf_free(&s->header);
}

/* --- judging -------------------------------------------------------------- */

enum field { FIELD_FROM, FIELD_SENDER, FIELD_DATE, FIELD_MESSAGE_ID, FIELDS };

static const char *const names[FIELDS] = {
	"From", "Sender", "Date", "Message-ID"};

/* RFC 5322 3.6: each of them once at most. */
struct fields {
	unsigned count[FIELDS];
	struct str body[FIELDS]; /* of the first */
};

static void
find_fields(const struct submit *s, struct fields *f_r)
{
	struct str rest = buf_view(&s->header), field;

	*f_r = (struct fields){0};
	while (!s->headless && header_field_next(&rest, &field)) {
		struct str body, name = header_field_name(field, &body);

		for (size_t i = 0; i < FIELDS; i++)
			if (str_eq_nocase(name, str_of(names[i])) &&
				f_r->count[i]++ == 0)
				f_r->body[i] = body;
	}
}

/* Only a session with SMTPUTF8 could be told more than ASCII. */
static void
refuse_address(const char *account, const char *field,
	const struct mailbox *address, struct reply *reply_r)
{
	char shown[WIRE_MAILBOX_MAX + 1];

	str_copyz(shown, sizeof(shown), address->text);
	for (size_t i = 0; shown[i]; i++)
		if ((unsigned char)shown[i] > 126)
			shown[i] = '?';
	reply_set(reply_r, 550, "5.7.1", "%s may not send as <%s> (%s)",
		account, shown, field);
}

/* Every address of the field is one that the user may use. */
static bool
judge_addresses(enum field field, struct str body, const char *account,
	submit_may *may, void *arg, struct reply *reply_r)
{
	enum addrlist_result result;
	struct mailbox address;
	struct addrlist list;
	unsigned n = 0;

	addrlist_init(&list, body);
	while ((result = addrlist_next(&list, &address)) == ADDRLIST_ONE) {
		if (++n > SUBMIT_ADDRESSES_MAX)
			break;
		if (!may(arg, &address)) {
			refuse_address(
				account, names[field], &address, reply_r);
			return false;
		}
	}
	if (result == ADDRLIST_END && n > 0)
		return true;
	reply_set(reply_r, 550, "5.6.0", "%s cannot be read: %s", names[field],
		n > SUBMIT_ADDRESSES_MAX ? "too many addresses"
		: result == ADDRLIST_END ? "no address in it"
					 : "not a list of addresses");
	return false;
}

bool
submit_judge(const struct submit *s, const char *account, submit_may *may,
	void *arg, struct reply *reply_r)
{
	struct fields f;

	if (s->fault.code) {
		*reply_r = s->fault;
		return false;
	}
	find_fields(s, &f);
	for (size_t i = 0; i < FIELDS; i++)
		if (f.count[i] > 1) {
			reply_set(reply_r, 550, "5.6.0",
				"More than one %s in the header", names[i]);
			return false;
		}
	for (size_t i = FIELD_FROM; i <= FIELD_SENDER; i++)
		if (f.count[i] && !judge_addresses((enum field)i, f.body[i],
					  account, may, arg, reply_r))
			return false;
	return true;
}

/* --- adding --------------------------------------------------------------- */

void
submit_added(
	const struct submit *s, const struct submit_facts *f, struct buf *out)
{
	struct fields has;

	find_fields(s, &has);
	if (!has.count[FIELD_DATE] && f->date[0])
		buf_addf(out, "Date: %s\r\n", f->date);
	if (!has.count[FIELD_FROM] && f->sender[0])
		buf_addf(out, "From: <%s>\r\n", f->sender);
	if (!has.count[FIELD_MESSAGE_ID])
		buf_addf(out, "Message-ID: <%lld.%lld@%s>\r\n",
			(long long)f->id, (long long)f->now_s, f->hostname);
	if (s->headless)
		buf_addz(out, "\r\n");
}
