/* ATRN (RFC 2645 5.2.1) and ETRN (RFC 1985 5): mail for who called. */
#include "smtp/server_state.h"

#include "wire/grammar.h"

/* domain = sub-domain 1*("." sub-domain) */
static bool
is_dotted_domain(struct str s)
{
	struct str behind;

	str_cut(s, '.', &behind);
	return behind.n > 0 && grammar_is_domain(s, false);
}

/* domain *("," domain), without blanks. NULL: fine. */
static const char *
check_domains(struct str list)
{
	size_t n = 0;
	struct str rest = list;

	if (list.n > 0 && list.p[list.n - 1] == ',')
		return "a comma at the end";
	while (rest.n > 0) {
		if (!is_dotted_domain(str_cut(rest, ',', &rest)))
			return "domains with a dot, comma separated, no blanks";
		if (++n > WIRE_ATRN_DOMAINS_MAX)
			return "too many domains in one ATRN";
	}
	return NULL;
}

void
server_atrn(struct smtp_server *s, struct str args)
{
	const char *why = check_domains(args);

	if (why)
		server_refusef(s, 501, "5.5.4", "ATRN: %s", why);
	else
		server_ask(s, EV_ATRN)->text = args.n ? args : STR("");
}

void
server_atrn_answer(struct smtp_server *s, const struct reply *r)
{
	if (r->code == 250)
		server_hand_over(s, r, SERVER_TURN);
	else
		server_say(s, r);
}

/* [option character] node-name; "@" takes subdomains, "#" names a queue. */
static bool
is_node(struct str s)
{
	if (s.n > 1 && s.p[0] == '@')
		return grammar_is_domain(str_skip(s, 1), false);
	if (s.n > 1 && s.p[0] == '#') {
		for (size_t i = 1; i < s.n; i++)
			if (s.p[i] <= ' ' || s.p[i] > '~')
				return false;
		return true;
	}
	return grammar_is_domain(s, false);
}

void
server_etrn(struct smtp_server *s, struct str args)
{
	if (!is_node(args))
		server_refusef(s, 501, "5.5.4",
			"Syntax: ETRN domain, @domain or #queue");
	else
		server_ask(s, EV_ETRN)->text = args;
}
