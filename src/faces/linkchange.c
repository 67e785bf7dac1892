#include "faces/linkchange.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/protocol.h"
#include "outlook/facts.h"

/* What the row says from now on. */
static void
apply(struct link_change *ch)
{
	struct spool_link *l = &ch->row;
	struct spool_link before = *l;

	if (strcmp(ch->action, ACTION_WORD_UP) == 0) {
		l->up = true;
		str_copyz(l->interface, sizeof(l->interface), ch->interface);
		str_copyz(l->address, sizeof(l->address), ch->address);
	} else if (strcmp(ch->action, ACTION_WORD_DOWN) == 0) {
		l->up = false;
	} else {
		l->disabled = strcmp(ch->action, ACTION_WORD_DISABLE) == 0;
		l->stuck = l->stuck && l->disabled;
		str_copyz(l->reason, sizeof(l->reason),
			l->disabled ? ch->reason : "");
	}
	ch->changed = l->up != before.up || l->disabled != before.disabled ||
		      l->stuck != before.stuck;
	if (!l->up || !before.up)
		l->verified = false;
}

static enum err_code
record_event(struct spool_txn *t, const struct link_change *ch, struct err *e)
{
	struct spool_event ev = {.time = clock_sane_s(), .level = LOG_INFO};

	snprintf(ev.event, sizeof(ev.event), "link-%s", ch->action);
	str_copyz(ev.link, sizeof(ev.link), ch->name);
	snprintf(ev.text, sizeof(ev.text), "by %s%s%s", ch->who,
		ch->reason ? ": " : "", ch->reason ? ch->reason : "");
	return spool_event_add(t, &ev, e);
}

enum err_code
link_change_in_spool(struct spool_txn *t, void *arg, struct err *e)
{
	struct link_change *ch = arg;
	enum err_code code = spool_link_get(t, ch->name, &ch->row, e);
	char boot[CLOCK_BOOT_MAX];

	if (code != OK && code != ERR_NOTFOUND)
		return code;
	if (code == ERR_NOTFOUND)
		ch->row = (struct spool_link){0};
	clock_boot(boot);
	if (strcmp(ch->row.boot, boot) != 0)
		ch->row.up = false;
	str_copyz(ch->row.boot, sizeof(ch->row.boot), boot);
	str_copyz(ch->row.name, sizeof(ch->row.name), ch->name);
	apply(ch);
	if (ch->changed)
		ch->row.since = clock_sane_s();
	code = spool_link_put(t, &ch->row, e);
	return code == OK && ch->changed ? record_event(t, ch, e) : code;
}
