#include "cli/customer_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account_settings.h"

enum {
	WORD_MAX = 4096,       /* octets of one value, decoded */
	WORD_SHOWN = 100,      /* of a wrong word */
	CUSTOMERS_MAX = 200000 /* in one file */
};

/* --- reading --- */

/* What the words of one customer said that is no setting. */
struct extra {
	char password[SASL_SECRET_MAX + 1];
	bool has_password, cram;
};

struct parse {
	struct spool_import *m;
	struct spool_import_entry *entry; /* NULL: its first line is wrong */
	struct extra extra;
	size_t line;
	size_t *lines; /* of the recipients of the entry; owned */
	size_t lines_cap;
	bool make;
};

static void
complain(struct parse *p, struct str word, const char *why)
{
	int n = word.n < WORD_SHOWN ? (int)word.n : WORD_SHOWN;

	spool_import_complain(p->m, p->line, "%.*s: %s", n, word.p, why);
}

/* "%20" and the like undone. False: too long, a bad "%", or a NUL. */
static bool
decode(struct str s, char *out, size_t size)
{
	size_t n = 0;

	while (s.n) {
		int c = (unsigned char)s.p[0];
		bool escaped = c == '%';

		if (escaped && (s.n < 3 || str_hex_digit(s.p[1]) < 0 ||
				       str_hex_digit(s.p[2]) < 0))
			return false;
		if (escaped)
			c = str_hex_digit(s.p[1]) * 16 + str_hex_digit(s.p[2]);
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = (char)c;
		s = str_skip(s, escaped ? 3 : 1);
	}
	out[n] = '\0';
	return true;
}

/* Where the last recipient stands, for what is found out later. */
static void
note_line(struct parse *p)
{
	size_t n = p->entry->settings.list_n;

	if (n > p->lines_cap) {
		p->lines_cap = n * 2;
		p->lines = xrealloc(p->lines, p->lines_cap * sizeof(*p->lines));
	}
	if (n)
		p->lines[n - 1] = p->line;
}

/* The values of a word, each between commas. */
static enum err_code
take_texts(struct parse *p, enum spool_setting which, struct str value,
	struct err *e)
{
	char text[WORD_MAX];
	enum err_code code = OK;

	while (code == OK && value.n) {
		struct str one = str_cut(value, ',', &value);

		if (!decode(one, text, sizeof(text)))
			return err_set(e, ERR_INVALID,
				"a value is too long, or its %%XX is wrong");
		code = spool_settings_take(
			&p->entry->settings, which, str_of(text), e);
		if (which == SETTING_RECIPIENT)
			note_line(p);
	}
	return code;
}

/* True: KEY is NAME, and HAS_R says that it was given before. */
static bool
is_number(struct str key, const char *name, bool *has, bool *twice_r)
{
	if (!str_eq(key, str_of(name)))
		return false;
	*twice_r = *has;
	*has = true;
	return true;
}

static enum err_code
take_number(struct parse *p, struct str key, struct str value, struct err *e)
{
	struct spool_settings *s = &p->entry->settings;
	enum err_code code = ERR_NOTFOUND;
	bool twice = false;

	if (is_number(key, "quota", &s->has_quota, &twice))
		code = account_size_parse(value, &s->quota, e);
	else if (is_number(key, "max-size", &s->has_max_size, &twice))
		code = account_size_parse(value, &s->max_size, e);
	else if (is_number(key, "lifetime", &s->has_lifetime, &twice))
		code = account_lifetime_parse(value, &s->lifetime_s, e);
	else if (is_number(key, "max-priority", &s->has_max_priority, &twice))
		code = account_priority_parse(value, &s->max_priority, e);
	return twice ? err_set(e, ERR_INVALID, "was given twice: take one away")
		     : code;
}

static enum err_code
take_clear(struct str value, char out[SASL_SECRET_MAX + 1], struct err *e)
{
	if (value.n && decode(value, out, SASL_SECRET_MAX + 1))
		return OK;
	return err_set(e, ERR_INVALID,
		"not a password: 1 octet or more, %%XX for what is not plain");
}

/* A secret may stand before its verifier. */
static enum err_code
take_verifier(struct str value, struct verifier *v, struct err *e)
{
	struct verifier parsed;

	if (!verifier_parse(value, &parsed))
		return err_set(e, ERR_INVALID,
			"not a SCRAM-SHA-256 verifier as customer export "
			"writes it");
	memcpy(parsed.secret, v->secret, sizeof(parsed.secret));
	*v = parsed;
	return OK;
}

static enum err_code
take_secret(struct parse *p, struct str key, struct str value, struct err *e)
{
	struct spool_import_entry *entry = p->entry;

	if (str_eq(key, STR("password"))) {
		p->extra.has_password = true;
		return take_clear(value, p->extra.password, e);
	}
	if (str_eq(key, STR("verifier"))) {
		entry->has_verifier = true;
		return take_verifier(value, &entry->verifier, e);
	}
	if (str_eq(key, STR("next-verifier")))
		return take_verifier(value, &entry->next, e);
	if (str_eq(key, STR("secret")))
		return take_clear(value, entry->verifier.secret, e);
	if (str_eq(key, STR("next-secret")))
		return take_clear(value, entry->next.secret, e);
	return ERR_NOTFOUND;
}

/* May KEY stand more than once? */
static bool
may_repeat(enum spool_setting which)
{
	return which != SETTING_ETRN && which != SETTING_RECIPIENTS;
}

static enum err_code
take_pair(struct parse *p, struct str key, struct str value, struct err *e)
{
	enum spool_setting which;
	enum err_code code;

	if (spool_setting_parse(key, &which)) {
		const char *before = p->entry->settings.text[which];

		if (!may_repeat(which) && before)
			return err_set(e, ERR_INVALID,
				"was given twice: take one away");
		return take_texts(p, which, value, e);
	}
	code = take_number(p, key, value, e);
	return code == ERR_NOTFOUND ? take_secret(p, key, value, e) : code;
}

static void
take_flag(struct parse *p, struct str word)
{
	struct spool_settings *s = &p->entry->settings;

	if (str_eq(word, STR("suspended")))
		s->has_suspended = s->suspended = true;
	else if (str_eq(word, STR("cram-md5")))
		p->extra.cram = true;
	else
		complain(p, word,
			"not a setting; see tidepost(1), customer "
			"import");
}

static void
take_word(struct parse *p, struct str word)
{
	struct str value, key = str_cut(word, '=', &value);
	struct err e = {0};
	enum err_code code;

	if (key.n == word.n) {
		take_flag(p, word);
		return;
	}
	code = take_pair(p, key, value, &e);
	if (code == ERR_NOTFOUND)
		complain(p, key,
			"not a setting; see tidepost(1), customer "
			"import");
	else if (code != OK && e.text[0])
		complain(p, key, e.text); /* the value may be a secret */
}

static void
check_list(struct parse *p, const struct spool_import_entry *entry)
{
	const struct spool_settings *s = &entry->settings;
	const char *domains = s->text[SETTING_DOMAIN];

	for (size_t i = 0; i < s->list_n; i++)
		if (!spool_settings_covers(domains, s->list[i]))
			spool_import_complain(p->m, p->lines[i],
				"recipient %s: in no domain of customer %s",
				s->list[i], entry->name);
	if (s->list_n && s->recipients != RECIPIENTS_LISTED)
		complain(p, str_of(entry->name),
			"recipient= needs recipients=list");
}

/* Do its verifiers make a pair (wire/verifier.h)? */
static bool
is_whole(const struct spool_import_entry *entry)
{
	const struct verifier *v = &entry->verifier, *next = &entry->next;

	if (!next->iterations)
		return !next->secret[0] && (v->iterations || !v->secret[0]);
	return v->iterations == next->iterations &&
	       memcmp(v->salt, next->salt, sizeof(v->salt)) == 0;
}

static void
end_secrets(struct parse *p, struct spool_import_entry *entry)
{
	struct err e;

	if (p->extra.has_password && entry->has_verifier)
		complain(p, str_of(entry->name),
			"password= and verifier= say two things");
	else if (p->extra.cram && !p->extra.has_password)
		complain(p, str_of(entry->name), "cram-md5 needs password=");
	else if (!is_whole(entry))
		complain(p, str_of(entry->name),
			"secret= needs verifier=, next-secret= needs "
			"next-verifier=, and that the same salt as verifier=");
	else if (p->extra.has_password && p->make && p->m->wrong_n == 0) {
		entry->has_verifier = true;
		if (verifier_make(p->extra.password, p->extra.cram,
			    &entry->verifier, &e) != OK)
			complain(p, str_of(entry->name), e.text);
	}
	explicit_bzero(p->extra.password, sizeof(p->extra.password));
	p->extra.has_password = p->extra.cram = false;
}

/* All of it was read: passwords and lists can be looked at. */
static void
end_entry(struct parse *p)
{
	size_t line = p->line;

	if (!p->entry)
		return;
	p->line = p->entry->line;
	end_secrets(p, p->entry);
	check_list(p, p->entry);
	p->entry = NULL;
	p->line = line;
}

static void
begin_entry(struct parse *p, struct str word)
{
	char name[SASL_NAME_MAX + 1];
	struct err e;

	if (!decode(word, name, sizeof(name)))
		complain(p, word, "not a name");
	else if (account_name_check(name, &e) != OK)
		complain(p, word, e.text);
	else if (memchr(word.p, '=', word.n))
		complain(p, word,
			"a line begins with a name; its \"=\" is written %3D");
	else if (p->m->n == CUSTOMERS_MAX)
		complain(p, word, "too many customers in one file");
	else
		p->entry = spool_import_entry(p->m, str_of(name), p->line);
}

static struct str
next_word(struct str *rest)
{
	size_t n = 0;
	struct str word;

	while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		*rest = str_skip(*rest, 1);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	word = (struct str){rest->p, n};
	*rest = str_skip(*rest, n);
	return word;
}

static void
take_line(struct parse *p, struct str line)
{
	bool goes_on = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
	bool orphan = goes_on && p->m->n == 0 && p->m->wrong_n == 0;
	struct str word;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	word = next_word(&line);
	if (word.n == 0 || word.p[0] == '#')
		return;
	if (orphan) {
		complain(p, word, "goes on with a customer, but none began");
		return;
	}
	if (!goes_on) {
		end_entry(p);
		begin_entry(p, word);
		word = next_word(&line);
	}
	for (; p->entry && word.n && word.p[0] != '#'; word = next_word(&line))
		take_word(p, word);
}

void
customer_file_parse(struct str text, bool make, struct spool_import *m)
{
	struct parse p = {.m = m, .make = make};

	if (str_starts_nocase(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3);
	while (text.n) {
		struct str line = str_cut(text, '\n', &text);

		p.line++;
		take_line(&p, line);
	}
	end_entry(&p);
	free(p.lines);
}

/* --- writing --- */

/* S with everything that has a meaning in a line as %XX. */
static void
add_encoded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f || strchr("%,=#", c))
			buf_addf(out, "%%%02X", c);
		else
			buf_add(out, &s.p[i], 1);
	}
}

static void
add_texts(struct buf *out, const char *key, const char *lines)
{
	struct str rest = str_of(lines);
	bool first = true;

	while (rest.n) {
		buf_addf(out, first ? " %s=" : ",", key);
		add_encoded(out, str_cut(rest, '\n', &rest));
		first = false;
	}
}

/* N, as the largest unit that holds it whole. */
static void
add_unit(struct buf *out, const char *key, uint64_t n, const uint64_t *units,
	const char *letters)
{
	if (n == 0)
		return;
	while (*units > 1 && n % *units) {
		units++;
		letters++;
	}
	buf_addf(out, " %s=%" PRIu64, key, n / *units);
	if (*letters != '-')
		buf_add(out, letters, 1);
}

static void
add_size(struct buf *out, const char *key, uint64_t octets)
{
	static const uint64_t units[] = {1048576, 1024, 1};

	add_unit(out, key, octets, units, "MK-");
}

static void
add_verifier(struct buf *out, const char *prefix, const struct verifier *v)
{
	char text[VERIFIER_TEXT_MAX];

	if (!v->iterations)
		return;
	verifier_format(v, text);
	buf_addf(out, " %sverifier=%s", prefix, text);
	if (!v->secret[0])
		return;
	buf_addf(out, " %ssecret=", prefix);
	add_encoded(out, str_of(v->secret));
}

void
customer_file_format(
	const struct spool_account *a, const char *list, struct buf *out)
{
	static const uint64_t seconds[] = {86400, 3600, 60, 1};
	struct str rest = str_of(list);

	add_encoded(out, str_of(a->name));
	add_texts(out, "domain", a->domains);
	add_size(out, "quota", a->quota);
	add_size(out, "max-size", a->max_size);
	add_unit(out, "lifetime", (uint64_t)a->lifetime_s, seconds, "dhms");
	add_texts(out, "network", a->networks);
	if (a->etrn[0])
		add_texts(out, "etrn", a->etrn);
	add_texts(out, "sender", a->senders);
	if (a->max_priority)
		buf_addf(out, " max-priority=%d", a->max_priority);
	if (a->recipients != RECIPIENTS_ANY)
		buf_addf(out, " recipients=%s",
			spool_recipients_name(a->recipients));
	if (a->suspended)
		buf_addz(out, " suspended");
	add_verifier(out, "", &a->verifier);
	add_verifier(out, "next-", &a->next);
	buf_addz(out, "\n");
	while (a->recipients == RECIPIENTS_LISTED && rest.n) {
		buf_addz(out, "\trecipient=");
		add_encoded(out, str_cut(rest, '\n', &rest));
		buf_addz(out, "\n");
	}
}
