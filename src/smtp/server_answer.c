/* The host's answers: what each of them leads to. */
#include "smtp/server_state.h"

#include <stdio.h>

static void
mail_answer(struct smtp_server *s, const struct reply *r)
{
	if (server_is_2xx(r)) {
		s->wake = false;
		s->idle_n = 0;
		server_move(s, SERVER_MAIL);
	} else {
		s->host_has_mail = false;
	}
	server_say(s, r);
}

static void
rcpt_answer(struct smtp_server *s, const struct reply *r)
{
	if (!server_is_2xx(r)) {
		s->rcpt_refused = true;
		/* Where none is taken, DATA fails in its wake. */
		s->wake |= s->recipients_n == 0;
	} else {
		s->wake = false;
		if (s->recipients_n++ == 0)
			server_move(s, SERVER_RCPT);
	}
	server_say(s, r);
}

/* An answer that ends the connection, whatever was asked. */
static void
closing_answer(struct smtp_server *s, const struct reply *r)
{
	if (s->asked == EV_MAIL)
		s->host_has_mail = false;
	server_forget(s);
	server_say(s, r);
	server_move(s, SERVER_CLOSE);
}

static void
dispatch(struct smtp_server *s, const struct reply *r)
{
	switch (s->asked) {
	case EV_MAIL:
		mail_answer(s, r);
		break;
	case EV_RCPT:
		rcpt_answer(s, r);
		break;
	case EV_DATA:
		server_data_answer(s, r);
		break;
	case EV_BODY_END:
		server_body_answer(s, r);
		break;
	case EV_AUTH_START:
	case EV_AUTH_DATA:
		server_auth_answer(s, r);
		break;
	case EV_ATRN:
		server_atrn_answer(s, r);
		break;
	default: /* EV_ETRN, EV_EXPN */
		server_say(s, r);
		break;
	}
}

void
server_answer(struct smtp_server *s, const struct reply *given)
{
	struct reply r = *given;
	int class = reply_class(given);

	/* RFC 2034 4: a code in every 2xx, 4xx and 5xx, in none else. */
	if (class == 3)
		r.enhanced[0] = '\0';
	else if (!r.enhanced[0])
		snprintf(r.enhanced, sizeof(r.enhanced), "%d.0.0", class);
	if (r.code == 421)
		closing_answer(s, &r);
	else
		dispatch(s, &r);
}
