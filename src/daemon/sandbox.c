#include "daemon/sandbox.h"

#include "base/log.h"
#include "base/str.h"
#include "daemon/sandbox_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sandbox {
	bool wanted, on;
	char text[40];
	struct sandbox_paths paths; /* that it is in */
};

static enum err_code
close_doors(struct sandbox *s, struct err *e)
{
	struct landlock_path *v = xcalloc(s->paths.n, sizeof(*v));
	enum err_code rc;

	for (size_t i = 0; i < s->paths.n; i++)
		v[i] = (struct landlock_path){
			s->paths.v[i].path, s->paths.v[i].access};
	rc = landlock_apply(v, s->paths.n, e);
	free(v);
	return rc;
}

/* It could not be reached from inside, even once it is made. */
static void
warn_missing(const struct sandbox *s)
{
	for (size_t i = 0; s->on && i < s->paths.missing_n; i++) {
		const char *path = s->paths.missing[i].path;

		log_warning("sandbox-path-missing",
			LOG_STR("key", s->paths.missing[i].key),
			LOG_STR("path", path),
			LOG_STR("why",
				access(path, F_OK) == 0
					? "it is the root directory, or a file "
					  "in it, which is out of reach: name "
					  "a folder, or set sandbox = false"
					: "it is not there: make it, then "
					  "start tidepostd anew"));
	}
}

struct sandbox *
sandbox_new(const struct conf *conf)
{
	struct sandbox *s = xcalloc(1, sizeof(*s));
	int version = conf->sandbox ? landlock_version() : 0;
	struct err e = {0};

	s->wanted = conf->sandbox;
	str_copyz(s->text, sizeof(s->text),
		conf->sandbox ? "not available" : "off");
	if (version)
		sandbox_paths_read(conf, &s->paths);
	s->on = version && close_doors(s, &e) == OK;
	if (s->on)
		snprintf(s->text, sizeof(s->text), "landlock %d", version);
	if (e.text[0])
		log_warning("sandbox-failed", LOG_STR("why", e.text));
	log_info("sandbox", LOG_STR("is", s->text),
		LOG_INT("folders", s->on ? s->paths.n : 0));
	warn_missing(s);
	return s;
}

void
sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	sandbox_paths_clear(&s->paths);
	free(s);
}

bool
sandbox_agrees(const struct sandbox *s, const struct conf *next, struct err *e)
{
	const struct sandbox_path *beyond;
	struct sandbox_paths paths;

	if (s->wanted != next->sandbox) {
		err_set(e, ERR_CONFIG, "sandbox changed: start tidepostd anew");
		return false;
	}
	if (!s->on)
		return true;
	sandbox_paths_read(next, &paths);
	beyond = sandbox_paths_beyond(&s->paths, &paths);
	if (beyond)
		err_set(e, ERR_CONFIG,
			"%s: %s is a place that this daemon gave up at its "
			"start (sandbox): start tidepostd anew",
			beyond->key[0] ? beyond->key : "the configuration",
			beyond->path);
	sandbox_paths_clear(&paths);
	return beyond == NULL;
}

const char *
sandbox_text(const struct sandbox *s)
{
	return s->text;
}
