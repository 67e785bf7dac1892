#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/facts.h"
#include "faces/text.h"

void
progress_init(struct progress *p)
{
	*p = (struct progress){0};
}

static void
clear_live(struct progress *p)
{
	if (p->live)
		fputs("\r\033[K", stdout);
	p->live = false;
}

/* " 12.3K of 20.0K" where the record counts octets, and knows how many come. */
static void
add_bytes(struct buf *line, const struct record *r)
{
	char done[TEXT_SHORT_MAX], total[TEXT_SHORT_MAX];

	if (!record_get(r, KEY_BYTES_DONE))
		return;
	text_size((uint64_t)facts_int(r, KEY_BYTES_DONE), done);
	text_size((uint64_t)facts_int(r, KEY_BYTES_TOTAL), total);
	buf_addf(line, " %s", done);
	if (facts_int(r, KEY_BYTES_TOTAL) > 0)
		buf_addf(line, " of %s", total);
}

static void
add_waiting(struct buf *line, const struct record *r)
{
	char size[TEXT_SHORT_MAX];

	if (!record_get(r, KEY_WAITING_MESSAGES))
		return;
	text_size((uint64_t)facts_int(r, KEY_WAITING_BYTES), size);
	buf_addf(line, ", %" PRId64 " waiting (%s)",
		facts_int(r, KEY_WAITING_MESSAGES), size);
}

/* Of all that moves: messages, seconds left, cost so far, where known. */
static void
add_whole(struct buf *line, const struct record *r)
{
	const char *cost = record_get(r, KEY_COST_SO_FAR);
	char left[TEXT_SHORT_MAX];

	if (record_get(r, KEY_COUNT))
		buf_addf(line, ", %" PRId64 " %s", facts_int(r, KEY_COUNT),
			text_plural((uint64_t)facts_int(r, KEY_COUNT),
				"message", "messages"));
	if (record_get(r, KEY_SECONDS_LEFT)) {
		text_duration(facts_int(r, KEY_SECONDS_LEFT), left);
		buf_addf(line, ", %s left", left);
	}
	if (cost)
		buf_addf(line, ", cost %s", cost);
}

static void
describe(struct buf *line, const struct record *r)
{
	const char *peer = record_get(r, KEY_PEER);
	const char *message = record_get(r, KEY_MESSAGE);
	const char *text = record_get(r, KEY_TEXT);
	char time[TEXT_SHORT_MAX];

	text_time(facts_int(r, KEY_TIME), time);
	buf_addf(line, "%s %s", time, facts_text(r, KEY_EVENT));
	if (message)
		buf_addf(line, " %s", message);
	if (peer)
		buf_addf(line, " %s", peer);
	add_bytes(line, r);
	add_waiting(line, r);
	if (text)
		buf_addf(line, ": %s", text);
}

/* The living line: no time, since it is now; what a narrow one cuts is last. */
static void
describe_live(struct buf *line, const struct record *r)
{
	buf_addf(line, "%s", facts_text(r, KEY_PEER));
	add_bytes(line, r);
	add_whole(line, r);
}

static void
print_live(struct progress *p, struct str line)
{
	struct buf clean;
	struct str front;

	buf_init(&clean, 0);
	text_clean(&clean, line);
	front = text_front(buf_view(&clean), text_terminal_columns() - 1);
	clear_live(p);
	fwrite(front.p, 1, front.n, stdout);
	p->live = true;
	buf_free(&clean);
}

void
progress_record(void *arg, const struct record *r)
{
	struct progress *p = arg;
	bool only_bytes = strcmp(facts_text(r, KEY_EVENT), EVENT_BYTES) == 0;
	struct buf line;

	if (strcmp(facts_text(r, KEY_KIND), KIND_PROGRESS) != 0 ||
		(only_bytes && !text_on_terminal()))
		return;
	buf_init(&line, 0);
	if (only_bytes) {
		describe_live(&line, r);
		print_live(p, buf_view(&line));
	} else {
		describe(&line, r);
		clear_live(p);
		text_print(stdout, buf_view(&line));
		putchar('\n');
	}
	fflush(stdout);
	buf_free(&line);
}

void
progress_end(struct progress *p)
{
	clear_live(p);
	fflush(stdout);
}
