#include "mail/ashore.h"

#include "base/clock.h"
#include "mail/header.h"

#include <stdio.h>
#include <string.h>

enum {
	ASHORE_SUBJECT_MAX = 100, /* octets shown of each */
	ASHORE_ADDRESS_MAX = 100,
	ASHORE_WHY_MAX = 160,
	ASHORE_MORE_ROOM = 40, /* for "and N more" */
};

/* --- text of others --- */

/* Printable ASCII, one blank for any run of others, at most MAX octets. */
static void
add_clean(struct buf *out, struct str s, size_t max)
{
	bool blank = false;
	size_t n = 0;

	s = str_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 127) {
			blank = n > 0;
			continue;
		}
		if (n + 1 + blank > max) {
			buf_addz(out, "...");
			return;
		}
		if (blank)
			buf_addz(out, " ");
		buf_add(out, c < 127 ? &s.p[i] : "?", 1);
		n += 1u + blank;
		blank = false;
	}
}

/* --- one message --- */

static void
add_line(struct buf *out, const char *name, struct str value, size_t max)
{
	buf_addz(out, name);
	add_clean(out, value, max);
	buf_addz(out, "\r\n");
}

static void
add_size(struct buf *out, uint64_t size)
{
	unsigned long long n = size;

	if (n < 1000)
		buf_addf(out, "Size: %llu octets\r\n", n);
	else if (n < 1000000)
		buf_addf(out, "Size: %llu kB\r\n", (n + 500) / 1000);
	else
		buf_addf(out, "Size: %llu.%llu MB\r\n", n / 1000000,
			n / 100000 % 10);
}

static void
add_until(struct buf *out, int64_t until)
{
	char when[CLOCK_TEXT_MAX];

	if (!until) {
		buf_addz(out, "Until: it is released\r\n");
		return;
	}
	clock_rfc3339(until, when);
	when[strcspn(when, "T")] = '\0';
	buf_addf(out, "Until: %s\r\n", when);
}

static void
add_item(struct buf *out, const struct ashore_item *item)
{
	struct str subject = header_find(item->header, STR("Subject"));

	buf_addz(out, "\r\n");
	add_line(out, "From: ",
		item->from[0] ? str_of(item->from) : STR("<>, a notice"),
		ASHORE_ADDRESS_MAX);
	if (item->to) {
		buf_addz(out, "To: ");
		add_clean(out, str_of(item->to), ASHORE_ADDRESS_MAX);
		if (item->to_more)
			buf_addf(out, " and %u more", item->to_more);
		buf_addz(out, "\r\n");
	}
	if (subject.n)
		add_line(out, "Subject: ", subject, ASHORE_SUBJECT_MAX);
	add_size(out, item->size);
	add_line(out, "Why: ", str_of(item->why), ASHORE_WHY_MAX);
	add_until(out, item->until);
}

/* --- the whole --- */

static void
add_header(struct buf *out, const struct ashore *a, size_t count)
{
	buf_addf(out,
		"From: Mail system <postmaster@%s>\r\n"
		"To: <%s>\r\n"
		"Subject: %zu message%s kept ashore\r\n",
		a->hostname, a->to, count, count == 1 ? "" : "s");
	if (a->date[0])
		buf_addf(out, "Date: %s\r\n", a->date);
	/* RFC 3834 5 */
	buf_addf(out,
		"Message-ID: <ashore.%lld@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n"
		"\r\n"
		"Not sent with the rest of your mail:\r\n",
		(long long)a->id, a->hostname);
}

void
ashore_compose(const struct ashore *a, struct buf *out)
{
	size_t begin = out->len, shown = 0, more;
	struct buf item;

	add_header(out, a, a->items_n + a->more);
	buf_init(&item, 0);
	for (; shown < a->items_n; shown++) {
		buf_clear(&item);
		add_item(&item, &a->items[shown]);
		if (out->len - begin + item.len + ASHORE_MORE_ROOM > ASHORE_MAX)
			break;
		buf_adds(out, buf_view(&item));
	}
	buf_free(&item);
	more = a->items_n - shown + a->more;
	if (more)
		buf_addf(out, "\r\n%s%zu more\r\n", shown ? "and " : "", more);
}
