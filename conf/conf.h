/*
 * The configuration as a typed value.
 *
 * schema.c is one table of every key: path, type, least, most, default,
 * unit, sentence. load.c is the only place that knows the parser; what it
 * finds wrong comes back as a list of complaints with file, line, the line
 * itself and a guess at the cause. A struct conf is never changed once
 * loaded: a reload makes another.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/err.h"
#include "base/buf.h"
#include "base/zone.h"
#include "wire/address.h"

enum conf_service {
	SERVICE_SMTP,
	SERVICE_SUBMISSION,
	SERVICE_ODMR,
	SERVICE_LMTP,
	SERVICE_PROGRAM, /* no listener: programs of this host */
};

/* The name of the peer that stands for delivery by MX. */
#define CONF_MX "mx"

/* The route of users who are not here (local.unknown). */
#define CONF_UNKNOWN "local.unknown"

/* The address of a listener for `tidepost serve` alone. */
#define CONF_ADDRESS_PROGRAM "program"

enum conf_tls { TLS_NONE, TLS_OFFERED, TLS_REQUIRED, TLS_IMPLICIT };

struct conf_strings {
	char **v; /* owned */
	size_t n;
};

struct conf_listener {
	char *name, *address;
	unsigned port;
	enum conf_service service;
	enum conf_tls tls;
	bool atrn;
	bool auth_clear;
	bool channel_binding;
};

enum conf_verify { VERIFY_NAME, VERIFY_NONE, VERIFY_PIN };
enum conf_collect { COLLECT_NONE, COLLECT_ATRN, COLLECT_ETRN };
enum conf_order { ORDER_BOTH, ORDER_PUSH_FIRST, ORDER_COLLECT_FIRST };

struct conf_peer {
	char *name;
	struct conf_strings host;
	char *command; /* instead of host; NULL */
	unsigned port;
	enum conf_tls tls;
	char *tls_name; /* NULL: the host */
	enum conf_verify verify;
	unsigned char pin[32];
	char *user, *password_file; /* NULL: no AUTH by password */
	char *certificate, *key;    /* to be shown; NULL: none */
	bool auth_clear;
	enum conf_collect collect;
	unsigned collect_port;	     /* 0: on the same connection */
	struct conf_strings domains; /* empty: local.domains */
	enum conf_order order;
	int64_t etrn_wait_s;
};

enum conf_format { FORMAT_BSMTP, FORMAT_RMAIL };
enum conf_compress { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };

struct conf_route {
	char *match;
	char *name; /* NULL: match names it */
	struct conf_strings peers;
	/* instead of peers; NULL. mailto: an address */
	char *command, *folder, *mailto;
	char *seal_file; /* of mailto; NULL: no seal */
	enum conf_format format;
	enum conf_compress compress;
	uint64_t batch_size; /* 0: the default, which differs */
	int64_t timeout_s;   /* of the command */
};

enum {
	CONF_RULE_LINKS_MAX = 511, /* octets of a rule's links, a line each */
	CONF_FIELD_MAX = 77,	   /* of the name of a header field */
};

struct conf_rule {
	unsigned line;	 /* in the file */
	char *from, *to; /* address, domain, .domain or glob; NULL: any */
	char *header;	 /* "Name" or "Name: glob"; NULL: any */
	uint64_t larger;
	bool has_priority, hold;
	int priority;
	struct conf_strings links;
};

struct conf_budget {
	int64_t time_s; /* 0: none */
	uint64_t bytes; /* 0: none */
	double cost;	/* 0: none */
	int starts;	/* month: first day */
};

struct conf_link {
	char *name;
	char *interface;
	char *probe_command;
	int64_t probe_every_s;
	struct conf_strings peers; /* empty: all */
	uint64_t bit_rate;	   /* 0: measured */
	int64_t rtt_ms;		   /* likewise */
	uint64_t max_rate;	   /* of each direction, bit/s; 0: all */
	uint64_t max_size;
	bool has_min_priority;
	int min_priority;
	char *dial_up, *dial_down;
	int64_t dial_timeout_s;
	struct conf_strings windows;
	int64_t call_when_waiting_s; /* 0: never */
	bool has_call_at_once;
	int call_at_once_priority;
	double cost_per_minute, cost_per_megabyte, cost_per_call;
	int64_t billing_step_s;
	char *currency;
	struct conf_budget session, day, month, reserve;
	int reserve_min_priority;
	char *timezone;
	struct zone *zone; /* owned; NULL: UTC */
};

struct aliases;

enum conf_users { USERS_ANY, USERS_FILE, USERS_SPOOL, USERS_DOVECOT };
enum conf_deliver {
	DELIVER_NONE, /* no local.deliver: local.domains must be empty */
	DELIVER_MAILDIR,
	DELIVER_LMTP,
	DELIVER_PIPE,
	DELIVER_MBOX,
};

struct conf {
	char *file; /* where it came from */
	struct conf_strings included;
	char *text; /* all that it says, without comments */
	struct conf_strings alias_files; /* local.aliases and its :include: */
	bool sandbox;
	char *hostname, *spool, *run_dir, *user;
	struct conf_listener *listeners;
	size_t listeners_n;
	struct {
		char *certificate, *key, *ca_file, *min_version;
		char *client_ca_file; /* NULL: no EXTERNAL */
	} tls;
	struct {
		struct conf_strings networks;
		int max_priority;
	} relay;
	struct {
		uint64_t message_size, batch_size;
		unsigned alias_addresses; /* that one alias becomes */
		unsigned recipients, connections, connections_per_client, line;
		unsigned errors, commands; /* per session */
		/* in an hour; 0: any number */
		unsigned messages_per_client, messages_per_user, etrn_per_hour;
		unsigned atrn_per_hour;
		/* of the whole queue, by delivery; 0: any */
		uint64_t queue_size;
		unsigned queue_messages;
		int64_t hold_time_s;	/* FUTURERELEASE; 0: not offered */
		unsigned hold_messages; /* of one account; 0: any */
		int64_t command_timeout_s, data_timeout_s, stall_timeout_s;
		int64_t final_timeout_s;
		int64_t auth_delay_ms, auth_pace_ms;
		/* in an hour; 0: any number */
		unsigned auth_failures_per_client, auth_failures_per_account;
		uint64_t disk_reserve;
	} limits;
	struct {
		struct conf_strings domains;
		enum conf_deliver deliver;
		char *deliver_to; /* what follows "maildir:" */
		/* who puts it there: a user, or "{user}"; NULL: the daemon */
		char *deliver_as;
		unsigned min_uid;
		int64_t timeout_s;
		/* LMTP: the path of a socket, or else host and port */
		char *lmtp_socket, *lmtp_host;
		unsigned lmtp_port;
		char *separators; /* octets before an extension */
		uint64_t quota;	  /* of a mailbox; 0: none */
		enum conf_users users;
		char *users_from; /* what follows "file:" */
		/* what follows "peer:"; NULL: unknown users are refused */
		char *unknown_peer;
		struct conf_strings unknown_domains; /* empty: all */
		char *aliases;
		bool expn;		     /* they are shown */
		struct aliases *alias_table; /* NULL: none (aliases.h) */
	} local;
	char *auth; /* "spool" or "dovecot:..." */
	struct {
		struct conf_strings trusted;
		char *drop;	     /* NULL: the spool is no file */
		unsigned recipients; /* of one message */
	} programs;
	struct {
		char *address; /* where batches come as mail; NULL: none */
		struct conf_strings senders;
		char *seal_file; /* NULL: somebody else vouches for them */
		bool relay;	 /* what is in them may go on */
	} batches;
	struct conf_strings auth_results; /* empty: the hostname */
	struct conf_peer *peers;
	size_t peers_n;
	/* the last is CONF_UNKNOWN, of no recipient, if there is that peer */
	struct conf_route *routes;
	size_t routes_n;
	struct conf_rule *rules;
	size_t rules_n;
	struct conf_link *links;
	size_t links_n;
	struct {
		int64_t *retry_s; /* at least one */
		size_t retry_n;
		int64_t warn_after_s, note_after_s, expire_after_s, longest_s,
			keep_deleted_s;
		int64_t customer_lifetime_s, quarantine_s;
		bool recode_signed;
	} queue;
	struct {
		bool tell_kept;
	} customers;
	struct {
		char *copy_to; /* an address; NULL nobody */
		uint64_t full_size;
	} notices;
	struct {
		char *server, *root_key; /* NULL: the system's; none */
		unsigned sessions;	 /* at once */
		/* CONF_MX: what all mail hosts of strangers have in common */
		struct conf_peer peer;
	} mx;
	char *hooks;
	struct {
		char *to;     /* an address; NULL: none is made */
		int64_t at_s; /* after midnight UTC */
		int priority;
	} report;
	struct {
		char *listen; /* as in the file; NULL: no page */
		char *socket, *address;
		unsigned port;
	} metrics;
	struct {
		char *to, *level;
		int64_t keep_s;
		uint64_t keep_size;
	} log;
};

enum complaint_kind { COMPLAINT_ERROR, COMPLAINT_WARNING };

struct complaint {
	enum complaint_kind kind;
	char *file;	       /* owned */
	unsigned line, column; /* 0: not known */
	char *source;	       /* the line itself, owned; NULL */
	char *text;	       /* what is wrong and what to do, owned */
};

struct complaints {
	struct complaint *v;
	size_t n;
	size_t errors; /* how many of them are errors */
};

/*
 * Loads FILE. All errors are found, not only the first. CONF_R is NULL
 * where any is an error. Keys whose work is not there yet give a warning.
 */
void conf_load(const char *file, struct conf **conf_r, struct complaints *c_r);
void conf_free(struct conf *c); /* NULL is fine */
/*
 * Do both say the same, but for comments and blanks? False where that is not
 * certain: files of aliases and of time zones are not compared.
 */
bool conf_is_same(const struct conf *a, const struct conf *b);
void complaints_free(struct complaints *c);
/* "file:line: error: text" NEWLINE, the line and a caret: as check prints. */
void complaint_format(const struct complaint *c, struct buf *out);

/*
 * The file to use: OPTION (-c) if given, else TIDEPOST_CONF, else the default.
 */
const char *conf_path(const char *option);
/* Somebody named it: OPTION or TIDEPOST_CONF, not custom. */
bool conf_is_named(const char *option);

/*
 * The first link that carries PEER from INDEX on; NULL: none (any more). INDEX
 * moves behind it, so that the next call finds the next one.
 */
const struct conf_link *conf_link_for(
	const struct conf *c, const char *peer, size_t *index);
/* Does the link that is named LINK carry PEER, or a peer of ROUTE (names)? */
bool conf_link_carries(
	const struct conf *c, const char *link, const char *peer);
bool conf_link_carries_route(
	const struct conf *c, const char *link, const char *route);
bool conf_listener_is_program(const struct conf_listener *l);
/*
 * Whose settings `tidepost serve` has for SERVICE: a listener for programs,
 * else the first one where TLS does not come before all else. NULL: none.
 */
const struct conf_listener *conf_listener_for_program(
	const struct conf *c, enum conf_service service);
/* CONF_MX is found, too. NULL: there is none of this name. */
const struct conf_peer *conf_peer(const struct conf *c, const char *name);
bool conf_route_is_mx(const struct conf_route *r); /* also by MX */
const struct conf_link *conf_link(const struct conf *c, const char *name);
bool conf_is_local(const struct conf *c, struct str domain);
/* Has another site the users of DOMAIN, a local one, who are not here? */
bool conf_is_shared(const struct conf *c, struct str domain);
/* The first route that matches; NULL: none. */
const struct conf_route *conf_route_for(
	const struct conf *c, const struct mailbox *recipient);
const char *conf_route_name(const struct conf_route *r);
/* Its mail goes as batches: it has a command, a folder or mailto. */
bool conf_route_is_gateway(const struct conf_route *r);

/* The words of the interface: "4M", "90s", "urgent" (also for the CLI). */
bool conf_parse_size(struct str s, uint64_t *octets_r);
bool conf_parse_duration_ms(struct str s, int64_t *ms_r);
bool conf_parse_priority(struct str s, int *priority_r);

/*
 * For the manual's check and `tidepost check`: each key of the schema, in
 * order, as "links.dial.timeout"; NULL at the end.
 */
const char *conf_schema_key(size_t i);
/*
 * Key I as an item of the manual page, onto OUT: the line with its name, that
 * with what it takes, then what it means, which the page may say at length.
 * False: there are no more.
 */
bool conf_manual_item(size_t i, struct buf *out);

#endif
