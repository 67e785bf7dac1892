#include "daemon/alarm.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct told {
	char text[ALARM_TEXT_MAX];
	uint64_t at_ms;
};

struct alarm {
	struct node *n;
	struct loop_timer *timer;
	bool clock, disk; /* wrong, at the last look */
	struct told told[ALARM_REMEMBERED];
	size_t next; /* the oldest of them */
};

/* Notes that it is told now; false: it was, not long ago. */
static bool
is_news(struct alarm *a, const char *text)
{
	uint64_t now = clock_mono_ms();
	struct told *t;

	for (size_t i = 0; i < ALARM_REMEMBERED; i++)
		if (a->told[i].text[0] && strcmp(a->told[i].text, text) == 0 &&
			now - a->told[i].at_ms < ALARM_AGAIN_MS)
			return false;
	t = &a->told[a->next];
	a->next = (a->next + 1) % ALARM_REMEMBERED;
	str_copyz(t->text, sizeof(t->text), text);
	t->at_ms = now;
	return true;
}

void
alarm_tell(struct alarm *a, const char *reason, const char *text)
{
	char cut[ALARM_TEXT_MAX];

	str_copyz(cut, sizeof(cut), text);
	if (is_news(a, cut))
		hooks_tell(a->n->hooks, HOOK_WARNING,
			&(struct hook_facts){.reason = reason, .text = cut});
}

static void
look_at_clock(struct alarm *a)
{
	bool wrong = !clock_trusted();
	char now[CLOCK_TEXT_MAX], least[CLOCK_TEXT_MAX];
	char text[ALARM_TEXT_MAX];

	if (wrong && !a->clock) {
		clock_rfc3339(clock_wall_s(), now);
		clock_rfc3339(clock_floor_s(), least);
		snprintf(text, sizeof(text),
			"the clock says %s, but it must be later than %s: "
			"until it is set nothing expires and windows are off",
			now, least);
		log_warning("clock-not-trusted", LOG_STR("text", text));
		alarm_tell(a, ALARM_CLOCK, text);
	} else if (!wrong && a->clock) {
		log_info("clock-trusted", LOG_STR("text", "the clock is set"));
	}
	a->clock = wrong;
}

/* Nearly: the reserve, below which no mail is taken, would fit once more. */
static void
look_at_disk(struct alarm *a)
{
	uint64_t reserve = a->n->conf->limits.disk_reserve;
	bool full = !spool_has_room(a->n->spool, reserve);
	char text[ALARM_TEXT_MAX];

	if (full && !a->disk) {
		snprintf(text, sizeof(text),
			"the disk of the spool is nearly full: no mail is taken "
			"when less than %llu MB are left "
			"(limits.disk_reserve)",
			(unsigned long long)(reserve / 1000000));
		log_warning("disk-nearly-full", LOG_STR("text", text));
		alarm_tell(a, ALARM_DISK, text);
	} else if (!full && a->disk) {
		log_info("disk-has-room",
			LOG_STR("text", "there is room on the disk again"));
	}
	a->disk = full;
}

static void
look(void *arg)
{
	struct alarm *a = arg;

	if (a->n->stopping)
		return;
	look_at_clock(a);
	look_at_disk(a);
	loop_timer_set(a->timer, ALARM_EVERY_MS);
}

struct alarm *
alarm_new(struct node *n)
{
	struct alarm *a = xcalloc(1, sizeof(*a));

	a->n = n;
	a->timer = loop_timer_new(n->loop, look, a);
	loop_timer_set(a->timer, 0); /* when the spool is open */
	return a;
}

void
alarm_free(struct alarm *a)
{
	if (!a)
		return;
	loop_timer_free(a->timer);
	free(a);
}
