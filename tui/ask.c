#include "tui/ask.h"

#include <stdlib.h>

#include "base/clock.h"
#include "control/protocol.h"

enum { LOOK_MS = 1 }; /* for a record that is there or not */

struct ask {
	struct control_client *client;
	struct ask_conf conf;
	uint64_t deadline_ms;
};

enum err_code
ask_begin(const struct ask_conf *conf, struct ask **ask_r, struct err *e)
{
	struct control_client *client;
	enum err_code code = control_connect(conf->run_dir, &client, e);

	*ask_r = NULL;
	for (size_t i = 0; code == OK && i < conf->request->n; i++)
		code = control_send(client, &conf->request->v[i], e);
	if (code != OK) {
		control_close(client);
		return code;
	}
	*ask_r = xcalloc(1, sizeof(**ask_r));
	(*ask_r)->client = client;
	(*ask_r)->conf = *conf;
	(*ask_r)->deadline_ms = clock_mono_ms() + conf->patience_ms;
	return OK;
}

static void
end(struct ask *ask, enum err_code code, const struct err *e,
	const struct record *last)
{
	struct ask_conf conf = ask->conf;
	int64_t status = 0, count = -1;

	ask_drop(ask);
	if (code == OK && !record_get_int(last, KEY_END, &status))
		status = err_exit_status(ERR_IO);
	if (code == OK && !record_get_int(last, KEY_COUNT, &count))
		count = -1;
	conf.done(conf.arg, code, e, (int)status,
		code == OK ? record_get(last, KEY_TEXT) : NULL, count);
}

bool
ask_step(struct ask *ask)
{
	struct record r;
	struct err e = {0};
	enum err_code code;
	bool last = false;

	record_init(&r);
	do {
		code = control_receive(ask->client, &r, &last, LOOK_MS, &e);
		if (code == OK && !last && ask->conf.each)
			ask->conf.each(ask->conf.arg, &r);
	} while (code == OK && !last);
	if (code == ERR_TIMEOUT && clock_mono_ms() < ask->deadline_ms) {
		record_free(&r);
		return false;
	}
	end(ask, code, &e, &r);
	record_free(&r);
	return true;
}

int
ask_fd(const struct ask *ask)
{
	return control_fd(ask->client);
}

void
ask_drop(struct ask *ask)
{
	if (!ask)
		return;
	control_close(ask->client);
	free(ask);
}
