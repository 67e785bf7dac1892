#include "smtp/verb.h"

#include "smtp/server_state.h"

#define IN_INIT STATE_TO(SERVER_INIT)
#define IN_READY STATE_TO(SERVER_READY)
#define IN_MAIL STATE_TO(SERVER_MAIL)
#define IN_RCPT STATE_TO(SERVER_RCPT)
#define IN_CHUNKS STATE_TO(SERVER_CHUNKS)

#define MAIL_FLAGS (VERB_NEEDS_TLS | VERB_NEEDS_AUTH)
#define OBSOLETE "belongs to an older SMTP; use MAIL"

static const struct verb verbs[] = {
	/* RFC 3207 4: without TLS only NOOP, EHLO, STARTTLS and QUIT. */
	{"EHLO", SERVER_COMMANDS,
		VERB_ODMR | VERB_IDLE | VERB_SMTP | VERB_HELLO, 0, server_ehlo,
		NULL},
	{"HELO", SERVER_COMMANDS,
		VERB_NEEDS_TLS | VERB_ODMR | VERB_IDLE | VERB_SMTP | VERB_HELLO,
		0, server_helo, NULL},
	{"LHLO", SERVER_COMMANDS, VERB_IDLE | VERB_LMTP | VERB_HELLO, 0,
		server_ehlo, NULL},
	{"MAIL", IN_READY, MAIL_FLAGS, 0, server_mail, NULL},
	{"RCPT", IN_MAIL | IN_RCPT, MAIL_FLAGS | VERB_FOLLOWS_MAIL, 0,
		server_rcpt, NULL},
	{"DATA", IN_RCPT, MAIL_FLAGS | VERB_FOLLOWS_MAIL | VERB_NO_ARGUMENT, 0,
		server_data, NULL},
	{"BDAT", IN_RCPT | IN_CHUNKS,
		MAIL_FLAGS | VERB_FOLLOWS_MAIL | VERB_CHUNK, EXT_CHUNKING,
		server_bdat, NULL},
	{"RSET", SERVER_COMMANDS,
		VERB_NEEDS_TLS | VERB_ODMR | VERB_IDLE | VERB_NO_ARGUMENT, 0,
		server_rset, NULL},
	{"NOOP", SERVER_COMMANDS, VERB_ODMR | VERB_IDLE, 0, server_noop, NULL},
	{"QUIT", SERVER_COMMANDS, VERB_ODMR | VERB_NO_ARGUMENT, 0, server_quit,
		NULL},
	{"VRFY", SERVER_COMMANDS, VERB_NEEDS_TLS | VERB_IDLE, 0, server_vrfy,
		NULL},
	{"HELP", SERVER_COMMANDS, VERB_NEEDS_TLS | VERB_ODMR | VERB_IDLE, 0,
		server_help, NULL},
	{"STARTTLS", IN_INIT | IN_READY,
		VERB_ODMR | VERB_UNTURNED | VERB_ENDS_GROUP | VERB_NO_ARGUMENT,
		EXT_STARTTLS, server_starttls, NULL},
	{"AUTH", IN_READY,
		VERB_NEEDS_TLS | VERB_ODMR | VERB_UNTURNED | VERB_SECRET,
		EXT_AUTH, server_auth, NULL},
	{"ATRN", IN_READY,
		VERB_NEEDS_TLS | VERB_ALWAYS_AUTH | VERB_ODMR | VERB_UNTURNED |
			VERB_ENDS_GROUP,
		EXT_ATRN, server_atrn, NULL},
	{"ETRN", IN_READY, MAIL_FLAGS | VERB_IDLE, EXT_ETRN, server_etrn, NULL},
	{"EXPN", SERVER_COMMANDS, VERB_NEEDS_TLS | VERB_IDLE | VERB_UNTURNED,
		EXT_EXPN, server_expn, NULL},
	{"TURN", 0, 0, 0, NULL, "proves nobody's identity; use ATRN"},
	{"SEND", 0, 0, 0, NULL, OBSOLETE},
	{"SOML", 0, 0, 0, NULL, OBSOLETE},
	{"SAML", 0, 0, 0, NULL, OBSOLETE},
	{0},
};

const struct verb *
verb_table(void)
{
	return verbs;
}

const struct verb *
verb_find(struct str name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (str_eq_nocase(str_of(v->name), name))
			return v;
	return NULL;
}
