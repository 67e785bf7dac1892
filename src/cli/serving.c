#include "cli/serving.h"

enum err_code
serving_begin(struct control_client *client, const struct record *request,
	int *status_r, struct err *e)
{
	int64_t status = err_exit_status(ERR_CLOSED);
	struct record answer;
	enum err_code code;
	bool last = false;

	record_init(&answer);
	code = control_send(client, request, e);
	if (code == OK)
		code = control_receive(
			client, &answer, &last, PROTOCOL_SILENCE_MS, e);
	if (code == OK && last) {
		const char *text = record_get(&answer, KEY_TEXT);

		record_get_int(&answer, KEY_END, &status);
		*status_r = (int)status;
		code = err_set(e, ERR_CLOSED, "%s",
			text ? text : "the daemon does not serve it");
	} else {
		*status_r = err_exit_status(code);
	}
	record_free(&answer);
	return code;
}
