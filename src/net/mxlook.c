#include "net/mxlook.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host, and what is being asked about it. */
struct candidate {
	struct mxlook *m;
	struct mxlook_host host;
	struct question *a, *aaaa, *tlsa;
	char v4[MXLOOK_ADDRESSES_MAX][MXLOOK_ADDRESS_TEXT];
	char v6[MXLOOK_ADDRESSES_MAX][MXLOOK_ADDRESS_TEXT];
	size_t v4_n, v6_n;
	bool insecure; /* its zone is not signed */
	bool trouble;  /* something of it is not known now */
};

struct mxlook {
	struct resolver *r;
	mxlook_fn *fn;
	void *arg;
	char domain[WIRE_DOMAIN_MAX + 1]; /* as the name service has it */
	struct question *mx;
	bool secure; /* the list of hosts */
	struct candidate *v;
	size_t n;
	size_t open;		/* questions about hosts */
	struct loop_timer *now; /* for what needs no question */
	enum mxlook_kind kind;	/* to be told by it */
	const char *why;
};

/* --- records --- */

static bool
is_host_octet(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/* One label of a name on the wire (RFC 1035 3.1), with a dot behind it. */
static bool
add_label(struct str *rest, char *out, size_t *at)
{
	size_t n = (unsigned char)rest->p[0];

	if (n > 63 || rest->n < n + 1 || *at + n + 1 > WIRE_DOMAIN_MAX)
		return false;
	for (size_t i = 1; i <= n; i++) {
		unsigned char c = (unsigned char)rest->p[i];

		c = c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
		if (!is_host_octet(c))
			return false;
		out[(*at)++] = (char)c;
	}
	out[(*at)++] = '.';
	*rest = str_skip(*rest, n + 1);
	return true;
}

static bool
read_name(struct str rest, char out[WIRE_DOMAIN_MAX + 1])
{
	size_t at = 0;

	while (rest.n && rest.p[0])
		if (!add_label(&rest, out, &at))
			return false;
	out[at ? at - 1 : 0] = '\0';
	return rest.n == 1; /* the root, and nothing behind it */
}

bool
mxlook_read_mx(struct str record, unsigned *preference_r,
	char name_r[WIRE_DOMAIN_MAX + 1])
{
	const unsigned char *p = (const unsigned char *)record.p;

	if (record.n < 3)
		return false;
	*preference_r = (unsigned)p[0] << 8 | p[1];
	return read_name(str_skip(record, 2), name_r);
}

/*
 * Only what RFC 7672 3.1 takes for mail counts: DANE-TA and DANE-EE with a
 * digest. All others are unusable; that there is one is a promise of TLS.
 */
void
mxlook_read_tlsa(struct str record, struct tls_dane *d)
{
	enum { HEAD = 3 };
	const unsigned char *p = (const unsigned char *)record.p;
	struct tls_tlsa t;
	size_t want;

	d->required = true;
	if (record.n < HEAD || d->n == TLS_TLSA_MAX)
		return;
	t = (struct tls_tlsa){
		.usage = p[0], .selector = p[1], .matching = p[2]};
	want = t.matching == 1 ? 32 : 64;
	if ((t.usage != 2 && t.usage != 3) || t.selector > 1 ||
		(t.matching != 1 && t.matching != 2) || record.n != HEAD + want)
		return;
	t.octets = want;
	memcpy(t.digest, p + HEAD, want);
	d->v[d->n++] = t;
}

/* --- the end --- */

void
mxlook_cancel(struct mxlook *m)
{
	if (!m)
		return;
	resolve_cancel(m->mx);
	for (size_t i = 0; i < m->n; i++) {
		resolve_cancel(m->v[i].a);
		resolve_cancel(m->v[i].aaaa);
		resolve_cancel(m->v[i].tlsa);
	}
	loop_timer_free(m->now);
	free(m->v);
	free(m);
}

static void
tell(struct mxlook *m, const struct mxlook_answer *a)
{
	mxlook_fn *fn = m->fn;
	void *arg = m->arg;

	fn(arg, a);
	mxlook_cancel(m);
}

static void
tell_none(struct mxlook *m, enum mxlook_kind kind, const char *why)
{
	tell(m, &(struct mxlook_answer){.kind = kind, .why = why});
}

/* IPv6 and IPv4 in turn, so that one that leads nowhere costs one wait. */
static void
mix_addresses(struct candidate *c)
{
	struct mxlook_host *h = &c->host;

	for (size_t i = 0; i < MXLOOK_ADDRESSES_MAX; i++) {
		if (i < c->v6_n && h->addresses_n < MXLOOK_ADDRESSES_MAX)
			memcpy(h->addresses[h->addresses_n++], c->v6[i],
				MXLOOK_ADDRESS_TEXT);
		if (i < c->v4_n && h->addresses_n < MXLOOK_ADDRESSES_MAX)
			memcpy(h->addresses[h->addresses_n++], c->v4[i],
				MXLOOK_ADDRESS_TEXT);
	}
}

static void
tell_hosts(struct mxlook *m)
{
	struct mxlook_host *hosts = xcalloc(m->n, sizeof(*hosts));
	bool trouble = false;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct candidate *c = &m->v[i];

		mix_addresses(c);
		trouble |= c->trouble;
		if (c->host.addresses_n && !c->trouble)
			hosts[n++] = c->host;
	}
	if (n)
		tell(m, &(struct mxlook_answer){.kind = MXLOOK_HOSTS,
				.hosts = hosts,
				.hosts_n = n,
				.why = ""});
	else if (trouble)
		tell_none(m, MXLOOK_TROUBLE,
			"the name service does not say the addresses of its "
			"mail hosts now");
	else
		tell_none(m, MXLOOK_NO_HOST,
			"the domain has no mail host with an address");
	free(hosts);
}

static void
one_less(struct mxlook *m)
{
	if (--m->open == 0)
		tell_hosts(m);
}

/* --- DANE --- */

static void
on_tlsa(void *arg, const struct answer *a)
{
	struct candidate *c = arg;

	c->tlsa = NULL;
	/* RFC 7672 2.1: who can hide the records can listen, too */
	c->trouble |= a->kind == ANSWER_TROUBLE;
	for (size_t i = 0; a->secure && i < a->records_n; i++)
		mxlook_read_tlsa(a->records[i], &c->host.dane);
	one_less(c->m);
}

static void
ask_tlsa(struct candidate *c)
{
	struct mxlook *m = c->m;
	char name[WIRE_DOMAIN_MAX + 16];

	snprintf(name, sizeof(name), "_25._tcp.%s", c->host.name);
	m->open++;
	c->tlsa = resolve_ask(m->r, name, RECORD_TLSA, on_tlsa, c);
}

/* --- addresses --- */

static void
keep_address(struct candidate *c, int family, struct str record)
{
	bool v6 = family == AF_INET6;
	size_t *n = v6 ? &c->v6_n : &c->v4_n;
	char(*v)[MXLOOK_ADDRESS_TEXT] = v6 ? c->v6 : c->v4;

	if (record.n == (v6 ? 16u : 4u) && *n < MXLOOK_ADDRESSES_MAX &&
		inet_ntop(family, record.p, v[*n], MXLOOK_ADDRESS_TEXT))
		++*n;
}

/*
 * Both were asked for. Where nothing is signed, one answer is enough to go on
 * with. Where all is, the host may have TLSA records (RFC 7672 2.2), and who
 * can suppress an answer must not be able to hide them.
 */
static void
addresses_known(struct candidate *c)
{
	bool any = c->v4_n + c->v6_n > 0;

	if (any && (c->insecure || !c->m->secure))
		c->trouble = false;
	else if (any && !c->trouble)
		ask_tlsa(c);
}

static void
on_addresses(struct candidate *c, int family, const struct answer *a)
{
	for (size_t i = 0; i < a->records_n; i++)
		keep_address(c, family, a->records[i]);
	if (a->kind == ANSWER_TROUBLE)
		c->trouble = true;
	else
		c->insecure |= !a->secure;
	if (!c->a && !c->aaaa)
		addresses_known(c);
	one_less(c->m);
}

static void
on_a(void *arg, const struct answer *a)
{
	struct candidate *c = arg;

	c->a = NULL;
	on_addresses(c, AF_INET, a);
}

static void
on_aaaa(void *arg, const struct answer *a)
{
	struct candidate *c = arg;

	c->aaaa = NULL;
	on_addresses(c, AF_INET6, a);
}

static void
ask_addresses(struct mxlook *m)
{
	m->open = 2 * m->n;
	for (size_t i = 0; i < m->n; i++) {
		struct candidate *c = &m->v[i];

		c->m = m;
		c->a = resolve_ask(m->r, c->host.name, RECORD_A, on_a, c);
		c->aaaa = resolve_ask(
			m->r, c->host.name, RECORD_AAAA, on_aaaa, c);
	}
}

/* --- the hosts --- */

static int
by_preference(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->host.preference > y->host.preference) -
	       (x->host.preference < y->host.preference);
}

static bool
is_known(const struct mxlook *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].host.name, name) == 0)
			return true;
	return false;
}

/* Those that can be read; *null_r: one of them is the root. */
static void
read_hosts(struct mxlook *m, const struct answer *a, bool *null_r)
{
	m->v = xcalloc(a->records_n, sizeof(*m->v));
	*null_r = false;
	for (size_t i = 0; i < a->records_n; i++) {
		struct mxlook_host *h = &m->v[m->n].host;

		if (!mxlook_read_mx(a->records[i], &h->preference, h->name))
			continue;
		if (!h->name[0])
			*null_r = true;
		else if (!is_known(m, h->name))
			m->n++;
	}
	qsort(m->v, m->n, sizeof(*m->v), by_preference);
	if (m->n > MXLOOK_HOSTS_MAX)
		m->n = MXLOOK_HOSTS_MAX;
}

static void
take_hosts(struct mxlook *m, const struct answer *a)
{
	bool null;

	read_hosts(m, a, &null);
	if (m->n)
		ask_addresses(m);
	else if (null)
		tell_none(m, MXLOOK_NO_MAIL,
			"the domain says that it takes no mail (null MX)");
	else
		tell_none(m, MXLOOK_NO_HOST,
			"no mail host of the domain has a name that can be");
}

/* RFC 5321 5.1: without MX the domain is its own host. */
static void
take_domain(struct mxlook *m)
{
	m->v = xcalloc(1, sizeof(*m->v));
	m->n = 1;
	memcpy(m->v[0].host.name, m->domain, sizeof(m->domain));
	ask_addresses(m);
}

static void
on_mx(void *arg, const struct answer *a)
{
	struct mxlook *m = arg;

	m->mx = NULL;
	m->secure = a->secure;
	switch (a->kind) {
	case ANSWER_RECORDS:
		take_hosts(m, a);
		break;
	case ANSWER_EMPTY:
		take_domain(m);
		break;
	case ANSWER_NO_NAME:
		tell_none(m, MXLOOK_NO_DOMAIN, "there is no such domain");
		break;
	case ANSWER_TROUBLE:
		tell_none(m, MXLOOK_TROUBLE, a->why);
		break;
	}
}

/* --- the beginning --- */

static void
tell_now(void *arg)
{
	struct mxlook *m = arg;

	if (m->n)
		tell_hosts(m);
	else
		tell_none(m, m->kind, m->why);
}

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static void
take_literal(struct mxlook *m, const char *domain)
{
	struct str s = str_of(domain), tag = STR("IPv6:");
	char text[MXLOOK_ADDRESS_TEXT];
	struct sockaddr_storage ss;
	struct candidate *c;
	socklen_t len;

	if (s.n < 3 || s.p[s.n - 1] != ']')
		return;
	s = (struct str){s.p + 1, s.n - 2};
	if (str_starts_nocase(s, tag))
		s = str_skip(s, tag.n);
	if (!str_copy(text, sizeof(text), s) || strchr(text, '%') ||
		!address_from_text(text, 25, &ss, &len))
		return;
	m->v = c = xcalloc(1, sizeof(*m->v));
	m->n = 1;
	c->m = m;
	str_copyz(c->host.name, sizeof(c->host.name), text);
	memcpy(c->v4[c->v4_n++], text, sizeof(text));
}

struct mxlook *
mxlook_start(struct loop *loop, struct resolver *r, const char *domain,
	mxlook_fn *fn, void *arg)
{
	struct mxlook *m = xcalloc(1, sizeof(*m));

	m->r = r;
	m->fn = fn;
	m->arg = arg;
	m->now = loop_timer_new(loop, tell_now, m);
	m->kind = MXLOOK_NO_DOMAIN;
	m->why = "no host can have this name";
	if (domain[0] == '[')
		take_literal(m, domain);
	else if (resolve_name(domain, m->domain, sizeof(m->domain)))
		m->mx = resolve_ask(r, m->domain, RECORD_MX, on_mx, m);
	if (!m->mx)
		loop_timer_set(m->now, 0);
	return m;
}
