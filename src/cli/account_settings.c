#include "cli/account_settings.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"
#include "conf/conf.h"
#include "control/protocol.h"
#include "wire/grammar.h"

enum { PORT_MAX = 65535 };

/* --- checks of single values --- */

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

static bool
domain_valid(struct str s)
{
	return s.n <= WIRE_DOMAIN_MAX && grammar_is_domain(s, true);
}

static bool
sender_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= WIRE_MAILBOX_MAX;
}

/* "192.0.2.0/24", "2001:db8::/32", or an address alone. */
static bool
network_valid(struct str s)
{
	struct str bits;
	struct str address = str_cut(s, '/', &bits);
	unsigned char octets[16];
	char text[INET6_ADDRSTRLEN];
	uint64_t n = 0, most;

	if (!str_copy(text, sizeof(text), address))
		return false;
	most = strchr(text, ':') ? 128 : 32;
	if (inet_pton(most == 128 ? AF_INET6 : AF_INET, text, octets) != 1)
		return false;
	return address.n == s.n || (str_u64(bits, &n) && n <= most);
}

/* HOST[:PORT], where HOST is a name or an address, IPv6 in brackets. */
static bool
etrn_valid(struct str s)
{
	struct str host = s, port = {s.p + s.n, 0};
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	uint64_t n;

	if (s.n > SPOOL_NAME_MAX)
		return false;
	if (colon && s.p[s.n - 1] != ']') {
		host.n = (size_t)(colon - s.p);
		port = str_skip(s, host.n + 1);
		if (!str_u64(port, &n) || n == 0 || n > PORT_MAX)
			return false;
	}
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return network_valid((struct str){host.p + 1, host.n - 2});
	return domain_valid(host);
}

/* --- options --- */

static enum err_code
wrong(struct err *e, const char *option, const char *value, const char *want)
{
	return err_set(e, ERR_USAGE, "%s %s: not %s", option, value, want);
}

/* All values of OPTION as lines; an empty one alone takes all away. */
static enum err_code
parse_lines(const struct args *a, const char *option, bool (*valid)(struct str),
	const char *want, char **lines_r, struct err *e)
{
	const char *value;
	struct buf lines;

	*lines_r = NULL;
	if (!args_has(a, option))
		return OK;
	buf_init(&lines, 0);
	for (size_t i = 0; (value = args_nth(a, option, i)); i++) {
		if (*value && !valid(str_of(value))) {
			buf_free(&lines);
			return wrong(e, option, value, want);
		}
		if (*value)
			buf_addf(&lines, "%s%s", lines.len ? "\n" : "", value);
	}
	*lines_r = str_dup(buf_view(&lines));
	buf_free(&lines);
	return OK;
}

static enum err_code
parse_size(const struct args *a, const char *option, bool *has_r,
	uint64_t *size_r, struct err *e)
{
	const char *text = args_value(a, option);

	*has_r = text != NULL;
	if (!text || !*text || conf_parse_size(str_of(text), size_r))
		return OK;
	return wrong(e, option, text, "a size (as 20K, 4M)");
}

static enum err_code
parse_lifetime(const struct args *a, struct account_settings *s, struct err *e)
{
	const char *text = args_value(a, "--lifetime");
	int64_t ms = 0;

	s->has_lifetime = text != NULL;
	if (text && *text &&
		(!conf_parse_duration_ms(str_of(text), &ms) || ms < 0))
		return wrong(e, "--lifetime", text, "a duration (as 12h, 5d)");
	s->lifetime_s = ms / 1000;
	return OK;
}

static enum err_code
parse_priority(const struct args *a, struct account_settings *s, struct err *e)
{
	const char *text = args_value(a, "--max-priority");

	s->has_max_priority = text != NULL;
	if (text && !conf_parse_priority(str_of(text), &s->max_priority))
		return wrong(e, "--max-priority", text,
			"a priority (-9 to 9, or bulk, low, normal, urgent, "
			"flash)");
	return OK;
}

static enum err_code
parse_etrn(const struct args *a, struct account_settings *s, struct err *e)
{
	s->etrn = args_value(a, "--etrn");
	if (s->etrn && *s->etrn && !etrn_valid(str_of(s->etrn)))
		return wrong(e, "--etrn", s->etrn, "HOST[:PORT]");
	return OK;
}

enum err_code
account_settings_parse(
	const struct args *a, struct account_settings *s, struct err *e)
{
	enum err_code code;

	*s = (struct account_settings){0};
	code = parse_lines(a, "--sender", sender_valid,
		"an address or a pattern of one", &s->senders, e);
	if (code == OK)
		code = parse_lines(a, "--domain", domain_valid, "a domain name",
			&s->domains, e);
	if (code == OK)
		code = parse_lines(a, "--network", network_valid,
			"a network (as 192.0.2.0/24)", &s->networks, e);
	if (code == OK)
		code = parse_size(a, "--quota", &s->has_quota, &s->quota, e);
	if (code == OK)
		code = parse_size(
			a, "--max-size", &s->has_max_size, &s->max_size, e);
	if (code == OK)
		code = parse_lifetime(a, s, e);
	if (code == OK)
		code = parse_priority(a, s, e);
	if (code == OK)
		code = parse_etrn(a, s, e);
	if (s->domains)
		str_lower(s->domains);
	return code;
}

void
account_settings_free(struct account_settings *s)
{
	free(s->senders);
	free(s->domains);
	free(s->networks);
	*s = (struct account_settings){0};
}

/* LINES, where given, take the place of *FIELD; "" gives NULL. */
static void
replace(char **field, const char *lines)
{
	if (!lines)
		return;
	free(*field);
	*field = *lines ? str_dupz(lines) : NULL;
}

void
account_settings_apply(
	const struct account_settings *s, struct spool_account *a)
{
	replace(&a->senders, s->senders);
	replace(&a->domains, s->domains);
	replace(&a->networks, s->networks);
	if (s->etrn)
		str_copyz(a->etrn, sizeof(a->etrn), s->etrn);
	if (s->has_quota)
		a->quota = s->quota;
	if (s->has_max_size)
		a->max_size = s->max_size;
	if (s->has_lifetime)
		a->lifetime_s = s->lifetime_s;
	if (s->has_max_priority)
		a->max_priority = s->max_priority;
}

/* A key for each line; "" once where there is none. */
static void
add_lines(struct record *r, const char *key, const char *lines)
{
	struct str rest = str_of(lines);

	if (lines && !*lines)
		record_add(r, key, "");
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);

		record_addf(r, key, "%.*s", STR_FMT(line));
	}
}

void
account_settings_request(const struct account_settings *s, struct record *r)
{
	add_lines(r, KEY_SENDER, s->senders);
	add_lines(r, KEY_DOMAIN, s->domains);
	add_lines(r, KEY_NETWORK, s->networks);
	record_add(r, KEY_ETRN, s->etrn);
	if (s->has_quota)
		record_addf(r, KEY_QUOTA, "%" PRIu64, s->quota);
	if (s->has_max_size)
		record_addf(r, KEY_MAX_SIZE, "%" PRIu64, s->max_size);
	if (s->has_lifetime)
		record_add_int(r, KEY_LIFETIME, s->lifetime_s);
	if (s->has_max_priority)
		record_add_int(r, KEY_MAX_PRIORITY, s->max_priority);
}
