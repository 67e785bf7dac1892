#include "faces/subject.h"

#include "faces/show.h"

#include <stdlib.h>

static void
take_line(void *arg, enum show_kind kind, struct str line)
{
	struct buf *text = arg;
	struct str name = STR("Subject:");

	if (kind == SHOW_LINE_FIELD && !text->len &&
		str_starts_nocase(line, name))
		buf_adds(text, str_trim(str_skip(line, name.n)));
}

enum err_code
subject_read(struct spool_txn *t, void *job, struct err *e)
{
	struct subject_job *j = job;
	char *front = xmalloc(SUBJECT_LOOK_MAX);
	enum err_code rc;
	size_t n = 0;

	buf_clear(&j->text);
	rc = spool_body_read(t, j->id, 0, front, SUBJECT_LOOK_MAX, &n, e);
	if (rc == OK)
		show_message(
			(struct str){front, n}, SHOW_TEXT, take_line, &j->text);
	free(front);
	return rc == ERR_NOTFOUND ? OK : rc;
}
