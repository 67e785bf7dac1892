#include "sched/refusals.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 1000, HEX_DIGITS = 16 };

/* FNV-1a, 64 bits, without case. */
static uint64_t
mark_of(const char *address)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *address; address++)
		h = (h ^ (unsigned char)tolower((unsigned char)*address)) *
		    UINT64_C(0x100000001b3);
	return h;
}

static unsigned
find(const struct refusals *r, uint64_t mark)
{
	unsigned i = 0;

	while (i < r->marks_n && r->marks[i] != mark)
		i++;
	return i;
}

static void
drop(struct refusals *r, unsigned i)
{
	r->marks_n--;
	memmove(r->marks + i, r->marks + i + 1,
		(r->marks_n - i) * sizeof(r->marks[0]));
}

static void
add(struct refusals *r, uint64_t mark)
{
	unsigned i = find(r, mark);

	if (i < r->marks_n)
		drop(r, i);
	else if (r->marks_n == REFUSALS_MARKS_MAX)
		drop(r, 0);
	r->marks[r->marks_n++] = mark;
}

void
refusals_answered(struct refusals *r, bool wasted)
{
	r->answered++;
	r->refused += wasted;
	r->changed = true;
	if (r->answered < REFUSALS_ANSWERED_MAX)
		return;
	r->answered /= 2;
	r->refused /= 2;
}

/*
 * RFC 5321 4.5.3.1.10: 452 and 552 mean too many recipients; 421 (3.8) says
 * nothing of this one.
 */
void
refusals_recipient(struct refusals *r, const char *address, int code)
{
	uint64_t mark = mark_of(address);
	unsigned i = find(r, mark);

	if (code == 421 || code == 452 || code == 552 || code < 200)
		return;
	if (code >= 400) {
		add(r, mark);
		r->changed = true;
	} else if (i < r->marks_n) {
		drop(r, i);
		r->changed = true;
	}
}

unsigned
refusals_chance(const struct refusals *r, const char *address)
{
	uint64_t all = r->refused * WHOLE / (r->answered + REFUSALS_PRIOR);
	bool marked = find(r, mark_of(address)) < r->marks_n;

	return marked && all < REFUSALS_AGAIN ? REFUSALS_AGAIN : (unsigned)all;
}

bool
refusals_is_dear(uint64_t size, unsigned chance, uint64_t turn)
{
	return chance &&
	       size / WHOLE * chance + size % WHOLE * chance / WHOLE > turn;
}

void
refusals_write(const struct refusals *r, char text_r[REFUSALS_TEXT_MAX])
{
	size_t n = (size_t)snprintf(text_r, REFUSALS_TEXT_MAX,
		"%" PRIu64 " %" PRIu64, r->answered, r->refused);

	for (unsigned i = 0; i < r->marks_n; i++)
		n += (size_t)snprintf(text_r + n, REFUSALS_TEXT_MAX - n,
			" %016" PRIx64, r->marks[i]);
}

static bool
read_mark(struct str word, uint64_t *mark_r)
{
	char z[HEX_DIGITS + 1];

	if (word.n != HEX_DIGITS)
		return false;
	memcpy(z, word.p, HEX_DIGITS);
	z[HEX_DIGITS] = '\0';
	*mark_r = strtoull(z, NULL, 16);
	return strspn(z, "0123456789abcdef") == HEX_DIGITS;
}

void
refusals_read(struct refusals *r, struct str text)
{
	uint64_t mark;

	*r = (struct refusals){.answered = 0};
	if (!str_u64(str_cut(text, ' ', &text), &r->answered) ||
		!str_u64(str_cut(text, ' ', &text), &r->refused) ||
		r->answered > REFUSALS_ANSWERED_MAX || r->refused > r->answered)
		r->answered = r->refused = 0;
	while (text.n)
		if (read_mark(str_cut(text, ' ', &text), &mark))
			add(r, mark);
}
