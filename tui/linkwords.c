#include "tui/linkwords.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "faces/text.h"

const char *
linkwords_left_text(
	const struct record *r, const char *period, const char *what)
{
	char key[RECORD_KEY_MAX + 1];

	snprintf(key, sizeof(key), "left_%s_%s", period, what);
	return record_get(r, key);
}

uint64_t
linkwords_whole(double n)
{
	static const double most = 1e18;

	return !(n > 0) ? 0 : (uint64_t)(n < most ? n : most);
}

void
linkwords_left(const struct console *c, const struct record *r,
	const char *period, struct buf *out)
{
	const struct conf_link *link =
		conf_link(c->conf, facts_text(r, KEY_NAME));
	const char *bytes = linkwords_left_text(r, period, "bytes");
	const char *seconds = linkwords_left_text(r, period, "seconds");
	const char *cost = linkwords_left_text(r, period, "cost");
	char text[TEXT_SHORT_MAX];
	const char *gap = "";

	if (bytes) {
		text_size(linkwords_whole(strtod(bytes, NULL)), text);
		buf_addz(out, text);
		gap = ", ";
	}
	if (seconds) {
		text_duration(
			(int64_t)linkwords_whole(strtod(seconds, NULL)), text);
		buf_addf(out, "%s%s", gap, text);
		gap = ", ";
	}
	if (cost)
		buf_addf(out, "%s%.2f%s%s", gap, strtod(cost, NULL),
			link && link->currency ? " " : "",
			link && link->currency ? link->currency : "");
}

void
linkwords_window(const struct record *r, struct buf *out)
{
	int64_t at = facts_int(r, KEY_NEXT_WINDOW);
	char now[TEXT_SHORT_MAX], then[TEXT_SHORT_MAX];

	if (!at)
		return;
	text_time(console_now(), now);
	text_time(at, then);
	/* "2026-03-01 06:00:00Z" */
	if (strncmp(now, then, 10) == 0)
		buf_addf(out, "%.5sZ", then + 11);
	else
		buf_addf(out, "%.16sZ", then);
}

void
linkwords_gauge(struct buf *out, unsigned width, double part, double whole)
{
	unsigned full = 0;

	if (whole > 0 && part > 0)
		full = part >= whole ? width
				     : (unsigned)(part / whole * width + 0.5);
	buf_addz(out, "[");
	for (unsigned i = 0; i < width; i++)
		buf_addz(out, i < full ? "#" : ".");
	buf_addz(out, "]");
}

enum tone
linkwords_tone(const struct record *r)
{
	const char *state = facts_text(r, KEY_STATE);

	if (strcmp(state, "exchanging") == 0 || strcmp(state, "up") == 0 ||
		strcmp(state, "idle") == 0)
		return TONE_GOOD;
	if (strcmp(state, "failed") == 0 || strcmp(state, "disabled") == 0)
		return TONE_BAD;
	if (strcmp(state, "dialing") == 0 || strcmp(state, "hanging-up") == 0)
		return TONE_WARN;
	return TONE_PLAIN;
}

const struct record *
linkwords_find(const struct console *c, const char *name)
{
	const struct record *r;
	size_t at = 0;

	while ((r = facts_next(&c->facts, KIND_LINK, &at)))
		if (strcmp(facts_text(r, KEY_NAME), name) == 0)
			return r;
	return NULL;
}

/* --- rates --- */

double
rates_note(struct rates *r, const char *key, uint64_t octets)
{
	uint64_t now = clock_mono_ms();
	size_t i = 0;

	while (i < RATES_MAX && strcmp(r->v[i].key, key) != 0)
		i++;
	if (i == RATES_MAX) {
		i = r->next++ % RATES_MAX;
		memset(&r->v[i], 0, sizeof(r->v[i]));
		str_copyz(r->v[i].key, sizeof(r->v[i].key), key);
	} else if (octets >= r->v[i].octets && now > r->v[i].at_ms) {
		double fresh = (double)(octets - r->v[i].octets) * 1000 /
			       (double)(now - r->v[i].at_ms);

		/* half of it new: small jumps do not show */
		r->v[i].per_s =
			r->v[i].per_s > 0 ? (r->v[i].per_s + fresh) / 2 : fresh;
	} else {
		r->v[i].per_s = 0; /* the next message of the session */
	}
	r->v[i].octets = octets;
	r->v[i].at_ms = now;
	return r->v[i].per_s;
}
