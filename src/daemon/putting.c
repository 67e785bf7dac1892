#include "daemon/putting.h"

#include "daemon/maildir.h"
#include "daemon/mbox.h"

static enum err_code
path_of(const struct conf *conf, const struct letter *l, const char *home,
	struct buf *path, struct err *e)
{
	struct addressee to = l->to;
	const struct addressee_words words = {&to, l->sender, home};

	addressee_for_path(&to);
	if (addressee_expand(str_of(conf->local.deliver_to), &words, path))
		return OK;
	return err_set(e, ERR_INVALID, "the path of the mailbox is too long");
}

const char *
putting_domain(const struct conf *conf)
{
	return conf->local.domains.n ? conf->local.domains.v[0]
				     : conf->hostname;
}

void
putting_do(const struct conf *conf, const struct letter *l, const char *home,
	struct letter_end *end_r)
{
	struct err e = {0};
	struct buf path;
	enum err_code rc;

	buf_init(&path, LETTER_PATH_MAX);
	rc = path_of(conf, l, home, &path, &e);
	if (rc == OK && conf->local.deliver == DELIVER_MBOX)
		rc = mbox_put(l, buf_z(&path), conf->local.quota, &e);
	else if (rc == OK)
		rc = maildir_put(l, buf_z(&path), conf->local.quota, &e);
	letter_end_by(end_r, rc, &e);
	buf_free(&path);
}
