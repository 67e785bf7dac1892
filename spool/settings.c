#include "spool/settings.h"

#include "spool/records.h"
#include "wire/grammar.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535, SETTINGS_LINES_MAX = SPOOL_DOMAINS_MAX };

void
spool_settings_free(struct spool_settings *s)
{
	for (size_t i = 0; i < SETTINGS_N; i++)
		free(s->text[i]);
	for (size_t i = 0; i < s->list_n; i++)
		free(s->list[i]);
	free(s->list);
	*s = (struct spool_settings){0};
}

/* --- checks of single values --- */

static bool
domain_valid(struct str s)
{
	return s.n <= WIRE_DOMAIN_MAX && grammar_is_domain(s, true);
}

/* Compared with the whole of an address: a domain alone fits none. */
static bool
sender_valid(struct str s)
{
	bool fits = s.n == 0;

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
		fits |= s.p[i] == '@' || s.p[i] == '*' || s.p[i] == '?';
	}
	return fits && s.n <= WIRE_MAILBOX_MAX;
}

/* The address alone; 0: none, else its bits. */
static unsigned
address_bits(struct str s)
{
	unsigned char octets[16];
	char text[INET6_ADDRSTRLEN];

	if (memchr(s.p, '\0', s.n) || !str_copy(text, sizeof(text), s))
		return 0;
	if (inet_pton(AF_INET, text, octets) == 1)
		return 32;
	return inet_pton(AF_INET6, text, octets) == 1 ? 128 : 0;
}

/* "192.0.2.0/24", "2001:db8::/32", or an address alone; not the whole world. */
static bool
network_valid(struct str s)
{
	struct str bits;
	struct str address = str_cut(s, '/', &bits);
	unsigned most = address_bits(address);
	uint64_t n = 0;

	if (!most || address.n == s.n)
		return most != 0;
	return bits.n <= 3 && str_u64(bits, &n) && n > 0 && n <= most;
}

static bool
port_valid(struct str s)
{
	uint64_t n;

	return s.n <= 5 && str_u64(s, &n) && n > 0 && n <= PORT_MAX;
}

/* HOST[:PORT], where HOST is a name or an address, IPv6 in brackets. */
static bool
etrn_valid(struct str s)
{
	struct str host = s;
	const char *colon = memrchr(s.p, ':', s.n);

	if (s.n > SPOOL_NAME_MAX)
		return false;
	if (colon && s.p[s.n - 1] != ']') {
		host.n = (size_t)(colon - s.p);
		if (!port_valid(str_skip(s, host.n + 1)))
			return false;
	}
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return address_bits((struct str){host.p + 1, host.n - 2}) ==
		       128;
	return address_bits(host) == 32 || domain_valid(host);
}

/* A domain, with its letters made small, so that one has one writing. */
static void
lower_domain(char *address)
{
	char *at = strrchr(address, '@');

	str_lower(at ? at : address);
}

static bool
recipient_valid(struct str s)
{
	struct mailbox m;

	return address_parse(s, true, &m) && mailbox_domain(&m).n > 0;
}

static const struct {
	const char *name;
	bool (*valid)(struct str);
	const char *want;
	bool many, lower;
} rows[SETTINGS_N] = {
	[SETTING_SENDER] = {"sender", sender_valid,
		"an address or a pattern of one (as *@example.org)", true,
		false},
	[SETTING_DOMAIN] = {"domain", domain_valid,
		"a domain name (as example.org)", true, true},
	[SETTING_NETWORK] = {"network", network_valid,
		"a network (as 192.0.2.0/24 or 2001:db8::/32)", true, false},
	[SETTING_ETRN] = {"etrn", etrn_valid,
		"HOST[:PORT] (as mail.example.org:2525)", false, false},
	[SETTING_RECIPIENTS] = {"recipients", NULL, NULL, false, false},
	[SETTING_RECIPIENT] = {"recipient", recipient_valid,
		"a mail address (as ann@example.org)", true, false},
};

const char *
spool_setting_name(enum spool_setting which)
{
	return rows[which].name;
}

bool
spool_setting_parse(struct str name, enum spool_setting *which_r)
{
	for (int i = 0; i < SETTINGS_N; i++)
		if (str_eq(name, str_of(rows[i].name))) {
			*which_r = (enum spool_setting)i;
			return true;
		}
	return false;
}

/* --- taking --- */

static const char *const recipients_names[] = {
	[RECIPIENTS_ANY] = "any",
	[RECIPIENTS_LISTED] = "list",
	[RECIPIENTS_VERIFY] = "verify",
};

const char *
spool_recipients_name(enum spool_recipients r)
{
	return recipients_names[r];
}

static enum err_code
take_recipients(struct spool_settings *s, struct str value, struct err *e)
{
	s->has_recipients = true;
	s->recipients = RECIPIENTS_ANY;
	if (value.n == 0)
		return OK;
	for (size_t i = 0; i < 3; i++)
		if (str_eq(value, str_of(recipients_names[i]))) {
			s->recipients = (enum spool_recipients)i;
			return OK;
		}
	return err_set(e, ERR_INVALID, "%.*s: not any, list or verify",
		STR_FMT(value));
}

static enum err_code
take_recipient(struct spool_settings *s, struct str value, struct err *e)
{
	s->has_recipients = true;
	s->recipients = RECIPIENTS_LISTED;
	if (value.n == 0)
		return OK;
	if (s->list_n == SPOOL_RECIPIENTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d recipients",
			SPOOL_RECIPIENTS_MAX);
	if (s->list_n == s->list_cap) {
		s->list_cap = s->list_cap ? s->list_cap * 2 : 64;
		s->list = xrealloc(s->list, s->list_cap * sizeof(*s->list));
	}
	s->list[s->list_n] = str_dup(value);
	lower_domain(s->list[s->list_n++]);
	return OK;
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

static enum err_code
take_line(struct spool_settings *s, enum spool_setting which, struct str value,
	struct err *e)
{
	char *old = s->text[which];

	if (rows[which].many && count_lines(old) >= SETTINGS_LINES_MAX - 1)
		return err_set(e, ERR_LIMIT, "%.*s: more than %d of these",
			STR_FMT(value), SETTINGS_LINES_MAX);
	if (rows[which].many && old && *old && value.n)
		s->text[which] = str_printf("%s\n%.*s", old, STR_FMT(value));
	else if (value.n || !old)
		s->text[which] = str_dup(value);
	else
		return OK;
	free(old);
	if (rows[which].lower)
		str_lower(s->text[which]);
	return OK;
}

enum err_code
spool_settings_take(struct spool_settings *s, enum spool_setting which,
	struct str value, struct err *e)
{
	if (which == SETTING_RECIPIENTS)
		return take_recipients(s, value, e);
	if (value.n && !rows[which].valid(value))
		return err_set(e, ERR_INVALID, "%.*s: not %s",
			value.n < SPOOL_NAME_MAX ? (int)value.n
						 : SPOOL_NAME_MAX,
			value.p, rows[which].want);
	if (which == SETTING_RECIPIENT)
		return take_recipient(s, value, e);
	return take_line(s, which, value, e);
}

/* --- carrying out --- */

/* LINES, where said, take the place of *FIELD; "" gives NULL. */
static void
replace(char **field, const char *lines)
{
	if (!lines)
		return;
	free(*field);
	*field = *lines ? str_dupz(lines) : NULL;
}

void
spool_settings_apply(const struct spool_settings *s, struct spool_account *a)
{
	replace(&a->senders, s->text[SETTING_SENDER]);
	replace(&a->domains, s->text[SETTING_DOMAIN]);
	replace(&a->networks, s->text[SETTING_NETWORK]);
	if (s->text[SETTING_ETRN])
		str_copyz(a->etrn, sizeof(a->etrn), s->text[SETTING_ETRN]);
	if (s->has_quota)
		a->quota = s->quota;
	if (s->has_max_size)
		a->max_size = s->max_size;
	if (s->has_lifetime)
		a->lifetime_s = s->lifetime_s;
	if (s->has_max_priority)
		a->max_priority = s->max_priority;
	if (s->has_recipients)
		a->recipients = s->recipients;
	if (s->has_suspended)
		a->suspended = s->suspended;
}

bool
spool_settings_covers(const char *domains, const char *address)
{
	const char *at = strrchr(address, '@');
	struct str rest = str_of(domains);

	while (at && rest.n)
		if (str_eq_nocase(str_cut(rest, '\n', &rest), str_of(at + 1)))
			return true;
	return false;
}

static int
by_address(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, and each only once: letters differ only by case in no list. */
static void
sort_list(struct spool_settings *s)
{
	size_t n = 0;

	if (s->list_n)
		qsort(s->list, s->list_n, sizeof(*s->list), by_address);
	for (size_t i = 0; i < s->list_n; i++)
		if (n == 0 || strcasecmp(s->list[n - 1], s->list[i]) != 0)
			s->list[n++] = s->list[i];
		else
			free(s->list[i]);
	s->list_n = n;
}

static enum err_code
put_list(struct spool_txn *t, const struct spool_settings *s, const char *name,
	struct err *e)
{
	return spool_recipients_put(
		t, name, (const char *const *)s->list, s->list_n, e);
}

/* Keeps of the list that is there what the domains of A still cover. */
static enum err_code
prune_list(struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	struct spool_settings kept = {0};
	char *lines = NULL;
	enum err_code rc = spool_recipients_get(t, a->name, &lines, e);
	struct str rest = str_of(lines);
	bool cut = false;

	while (rc == OK && rest.n) {
		char *address = str_dup(str_cut(rest, '\n', &rest));

		if (spool_settings_covers(a->domains, address))
			rc = take_recipient(&kept, str_of(address), e);
		else
			cut = true;
		free(address);
	}
	if (rc == OK && cut)
		rc = put_list(t, &kept, a->name, e);
	spool_settings_free(&kept);
	free(lines);
	return rc;
}

enum err_code
spool_settings_put_list(struct spool_txn *t, struct spool_settings *s,
	const struct spool_account *a, struct err *e)
{
	if (a->kind != ACCOUNT_CUSTOMER)
		return OK;
	if (s->text[SETTING_DOMAIN] && !(a->domains && a->domains[0]))
		return err_set(e, ERR_INVALID,
			"customer %s needs a domain: give one with --domain",
			a->name);
	if (!s->has_recipients)
		return s->text[SETTING_DOMAIN] &&
				       a->recipients == RECIPIENTS_LISTED
			       ? prune_list(t, a, e)
			       : OK;
	for (size_t i = 0; i < s->list_n; i++)
		if (!spool_settings_covers(a->domains, s->list[i]))
			return err_set(e, ERR_INVALID,
				"recipient %s: in no domain of customer %s",
				s->list[i], a->name);
	sort_list(s);
	return put_list(t, s, a->name, e);
}
