#include "daemon/addressee.h"

#include <string.h>

/* One part of a path out of an address: nothing that climbs or hides. */
static bool
is_safe(const char *z)
{
	if (z[0] == '\0' || z[0] == '.')
		return false;
	for (; *z; z++) {
		unsigned char c = (unsigned char)*z;

		if (c < ' ' || c == 127 || c == '/')
			return false;
	}
	return true;
}

/* Cuts TEXT at the first separator that is not its first octet. */
static const char *
cut_extension(char *text, const char *separators)
{
	size_t n = text[0] ? 1 + strcspn(text + 1, separators) : 0;

	if (text[n] == '\0')
		return "";
	text[n] = '\0';
	return text + n + 1;
}

bool
addressee_user(const struct mailbox *m, const char *separators,
	char user_r[WIRE_LOCAL_PART_MAX + 1])
{
	if (!mailbox_local_plain(m, user_r, WIRE_LOCAL_PART_MAX + 1))
		return false;
	cut_extension(user_r, separators);
	return true;
}

static bool
set_parts(struct addressee *a, const struct mailbox *m, struct str domain,
	const char *separators)
{
	char local[WIRE_LOCAL_PART_MAX + 1];
	const char *extension;

	memset(a, 0, sizeof(*a));
	str_copyz(a->recipient, sizeof(a->recipient), m->text);
	if (!mailbox_local_plain(m, local, sizeof(local)))
		return false;
	extension = cut_extension(local, separators);
	str_copyz(a->extension, sizeof(a->extension), extension);
	str_copyz(a->user, sizeof(a->user), local);
	if (!str_copy(a->domain, sizeof(a->domain), domain))
		return false;
	str_lower(a->user);
	str_lower(a->domain);
	return is_safe(a->user) && is_safe(a->domain);
}

bool
addressee_of(
	struct addressee *a, const struct mailbox *m, const char *separators)
{
	return set_parts(a, m, mailbox_domain(m), separators);
}

enum err_code
addressee_set(struct addressee *a, const char *recipient,
	const char *fallback_domain, const char *separators, struct err *e)
{
	struct mailbox m;
	struct str domain;

	if (address_parse(str_of(recipient), true, &m)) {
		domain = mailbox_domain(&m);
	} else {
		/* <postmaster> has no domain */
		memset(&m, 0, sizeof(m));
		str_copyz(m.text, sizeof(m.text), recipient);
		m.local_n = (uint16_t)strlen(m.text);
		domain = str_of(fallback_domain);
	}
	if (set_parts(a, &m, domain, separators))
		return OK;
	return err_set(e, ERR_INVALID, "<%s> cannot be the name of a mailbox",
		recipient);
}

void
addressee_for_path(struct addressee *a)
{
	if (!is_safe(a->extension))
		a->extension[0] = '\0';
}

/* --- patterns --- */

static const char *
word_of(struct str name, const struct addressee_words *w)
{
	const struct {
		struct str name;
		const char *value;
	} words[] = {
		{STR("user"), w->to->user},
		{STR("domain"), w->to->domain},
		{STR("extension"), w->to->extension},
		{STR("recipient"), w->to->recipient},
		{STR("sender"), w->sender},
		{STR("home"), w->home},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_nocase(name, words[i].name))
			return words[i].value;
	return NULL;
}

bool
addressee_expand(struct str pattern, const struct addressee_words *words,
	struct buf *out)
{
	while (pattern.n) {
		struct str inside, text = str_cut(pattern, '{', &inside);
		const char *value;

		if (!buf_adds(out, text))
			return false;
		if (text.n == pattern.n)
			return true;
		text = str_cut(inside, '}', &pattern);
		value = text.n < inside.n ? word_of(text, words) : NULL;
		if (!value || !buf_addz(out, value))
			return false;
	}
	return true;
}
