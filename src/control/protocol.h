/*
 * What the faces and the daemon say to each other over run_dir/control.
 *
 * One connection, one request (a record with "verb"), any number of answers
 * (records with "kind"), and one last record with "end", "text", "count".
 * A request that does not fit into one record (PROTOCOL_RECORD_MAX) has
 * "more=1" in every record but its last; it is carried out as a whole.
 * The daemon closes after it. A client that goes away ends the request; what
 * was changed by then stays changed.
 *
 * Values: numbers are decimal. Times are seconds since 1970 UTC, durations
 * seconds, sizes octets. A flag is "1" and is absent where false. What is not
 * known is absent, never empty. In a request an empty value means "none": it
 * takes a setting away (customer action=set etrn=).
 *
 * Requests
 *
 *	verb=status
 *	  -> one kind=node, then kind=listener, kind=link, kind=queue,
 *	     kind=session records, end
 *	verb=link action=list [name=]
 *	  -> kind=link records, end
 *	verb=link action=up name= [interface=] [address=] [wait=1 [deadline=S]]
 *	  -> with wait=1: kind=progress records as things happen, end
 *	verb=link action=down|enable|disable name= [reason=]
 *	verb=queue action=hold|release|retry|delete|undelete|return|priority
 *	     id=4711 id=4711.2 ...	(one transaction over all of them)
 *	   or any of from= to= (globs) state= route= older= larger=
 *	   or all=1
 *	   and priority=N with action=priority; it holds for the ids behind it,
 *	   and may be said again before others
 *	   and skip_gone=1: an id that is no delivery any more is passed over
 *	The ids may go on in the next records.
 *	  -> end, count= deliveries changed. An id that is no delivery:
 *	     end=65 and nothing is changed. "older" is seconds before now.
 *	     Without state, undelete looks at the deleted ones, all other
 *	     actions at all but these.
 *	verb=user action=add|set|passwd|delete name= [sender=]... [password=]
 *	     [now=1] [max_priority=]
 *	verb=customer action=add|set|passwd|suspend|resume|delete name=
 *	     [domain=]... [quota=] [max_size=] [lifetime=] [network=]... [etrn=]
 *	     [recipients=any|list|verify] [recipient=]...
 *	     [cram_md5=1] [password=] [now=1] [yes=1 [return=1]]
 *	  With set, what is absent stays as it is; of the keys that may be
 *	  repeated (sender, domain, network, recipient) one replaces all that
 *	  were there. A list of recipients that is too long for one record goes
 *	  on in the next ones.
 *	  A new password stands beside the old one until it was used once, and
 *	  with now=1 at once in its place.
 *	  delete of a customer for whom mail waits: end=75, unless yes=1, which
 *	  deletes its deliveries first (they can be undeleted), or with return=1
 *	  returns them to their senders.
 *	verb=customer action=import [dry_run=1] more=1, then for each customer
 *	     name= line= [the settings of add] [suspended=1]
 *	     [verifier= [secret=] [next= [next_secret=]]]
 *	  (settings without name= go on with the customer before them)
 *	  -> kind=wrong line= text= for each that cannot be, end=65 and nothing
 *	     is changed; else kind=imported added= changed=, end
 *	  What is not said is taken away, but the password stays.
 *	verb=peer action=trust name= [until=SECONDS]
 *	  -> end; the key that the peer showed last is accepted. until: wall
 *	     time, without for ever; one that is over takes it back. end=65: it
 *	     showed none.
 *	verb=serve service=odmr|submission
 *	  -> kind=serving, and from the next octet on the connection is a
 *	     session of that service; or end. Who connects may ask: the service
 *	     says who must log in. Nothing may follow the request before the
 *	     answer.
 *	verb=submit [transit=1]
 *	  -> kind=serving, and the connection is an SMTP session for mail of
 *	     the user who connects, whoever that is; transit=1: of others, on
 *	     its way through this host (users in programs.trusted only)
 *	verb=reload	end=78 and the old settings stay where the file is bad
 *
 * Answers
 *
 *	kind=node hostname= version= pid= uptime= clock= library=...
 *	  clock: "trusted" or "not trusted"; library: "openssl 3.0.15", ...
 *	kind=warning text=
 *	kind=listener name= address= port=
 *	kind=link name= state= since= interface= verified=1 reason=
 *	     bytes_sent= bytes_received= waiting_messages= waiting_bytes=
 *	     next_window= left_PERIOD_WHAT=
 *	  state: disabled down dialing up exchanging idle hanging-up failed;
 *	  PERIOD: session day month; WHAT: seconds bytes cost (a decimal
 *	  fraction); absent where there is no budget
 *	kind=queue ready= deferred= held= active= bytes=
 *	kind=session id= peer= link= role= state= message= bytes_done=
 *	     bytes_total= since=
 *	  role: server client; peer is the address where no name is known
 *	kind=progress time= event= [link=] [peer=] [message=] [bytes_done=]
 *	     [bytes_total=] [waiting_messages=] [waiting_bytes=] [text=]
 *	  event is a word of the event log (session-open, delivered, received,
 *	  deferred, turned, session-close, ...), or "bytes" for an octet count
 *	  that has moved on and nothing else
 *	end=STATUS [text=] [count=]
 *	  STATUS is the exit status of the face (sysexits.h, or what
 *	  PROTOCOL_WAIT_* say); text one sentence, also where STATUS is 0
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include "control/record.h"

#define PROTOCOL_SOCKET "control" /* in run_dir */

/* What link up --wait ends with besides 0 and sysexits.h. */
enum {
	PROTOCOL_WAIT_LEFT = 10,	/* some mail left on purpose */
	PROTOCOL_WAIT_BUDGET = 11,	/* stopped at a budget */
	PROTOCOL_WAIT_LOST = 12,	/* the link was lost or taken down */
	PROTOCOL_WAIT_UNREACHABLE = 13, /* a peer not reached, or refused */
	PROTOCOL_WAIT_AUTH = 14,	/* TLS or AUTH failed with a peer */
	PROTOCOL_WAIT_DEADLINE = 15,
};

enum {
	/*
	 * The daemon answers something at least this often, except while it
	 * waits for a link (wait=1); a face that heard nothing for so long
	 * gives up.
	 */
	PROTOCOL_SILENCE_MS = 60000,
	PROTOCOL_RECORD_MAX = 60000, /* octets of a record of a request */
	PROTOCOL_REQUEST_MAX = 64 * 1048576, /* octets of all its records */
};

/* --- keys of requests --- */

#define KEY_VERB "verb"
#define VERB_STATUS "status"
#define VERB_LINK "link"
#define VERB_QUEUE "queue"
#define VERB_USER "user"
#define VERB_CUSTOMER "customer"
#define VERB_PEER "peer"
#define VERB_SERVE "serve"
#define VERB_SUBMIT "submit"
#define VERB_RELOAD "reload"

#define KEY_ACTION "action"
#define ACTION_WORD_LIST "list"
#define ACTION_WORD_UP "up"
#define ACTION_WORD_DOWN "down"
#define ACTION_WORD_CALL "call"
#define ACTION_WORD_HANGUP "hangup"
#define ACTION_WORD_ENABLE "enable"
#define ACTION_WORD_DISABLE "disable"
#define ACTION_WORD_ALLOW "allow"
#define ACTION_WORD_HOLD "hold"
#define ACTION_WORD_RELEASE "release"
#define ACTION_WORD_RETRY "retry"
#define ACTION_WORD_DELETE "delete"
#define ACTION_WORD_UNDELETE "undelete"
#define ACTION_WORD_RETURN "return"
#define ACTION_WORD_PRIORITY "priority"
#define ACTION_WORD_ADD "add"
#define ACTION_WORD_SET "set"
#define ACTION_WORD_PASSWD "passwd"
#define ACTION_WORD_SUSPEND "suspend"
#define ACTION_WORD_RESUME "resume"
#define ACTION_WORD_IMPORT "import"
#define ACTION_WORD_TRUST "trust"

#define KEY_NAME "name"
#define KEY_UNTIL "until"
#define KEY_SERVICE "service"
#define KEY_TRANSIT "transit"
#define SERVICE_WORD_ODMR "odmr"
#define SERVICE_WORD_SUBMISSION "submission"
#define KEY_INTERFACE "interface"
#define KEY_ADDRESS "address"
#define KEY_REASON "reason"
#define KEY_WAIT "wait"
#define KEY_DEADLINE "deadline"
#define KEY_COST "cost"

#define KEY_ID "id"
#define KEY_FROM "from"
#define KEY_TO "to"
#define KEY_STATE "state"
#define KEY_ROUTE "route"
#define KEY_OLDER "older"
#define KEY_LARGER "larger"
#define KEY_ALL "all"
#define KEY_SKIP_GONE "skip_gone"
#define KEY_PRIORITY "priority"

#define KEY_SENDER "sender"
#define KEY_MAX_PRIORITY "max_priority"
#define KEY_PASSWORD "password"
#define KEY_DOMAIN "domain"
#define KEY_QUOTA "quota"
#define KEY_MAX_SIZE "max_size"
#define KEY_LIFETIME "lifetime"
#define KEY_NETWORK "network"
#define KEY_ETRN "etrn"
#define KEY_RECIPIENTS "recipients"
#define KEY_RECIPIENT "recipient"
#define KEY_CRAM_MD5 "cram_md5"
#define KEY_YES "yes"
#define KEY_RETURN "return"
#define KEY_NOW "now"
#define KEY_MORE "more"
#define KEY_SUSPENDED "suspended"
#define KEY_DRY_RUN "dry_run"
#define KEY_LINE "line"
#define KEY_VERIFIER "verifier"
#define KEY_SECRET "secret"
#define KEY_NEXT "next"
#define KEY_NEXT_SECRET "next_secret"

/* --- keys of answers --- */

#define KEY_KIND "kind"
#define KIND_NODE "node"
#define KIND_WARNING "warning"
#define KIND_LISTENER "listener"
#define KIND_LINK "link"
#define KIND_QUEUE "queue"
#define KIND_SESSION "session"
#define KIND_PROGRESS "progress"
#define KIND_SERVING "serving"
#define KIND_WRONG "wrong"
#define KIND_IMPORTED "imported"

#define KEY_END "end"
#define KEY_TEXT "text"
#define KEY_COUNT "count"

#define KEY_ADDED "added"
#define KEY_CHANGED "changed"

#define KEY_HOSTNAME "hostname"
#define KEY_VERSION "version"
#define KEY_PID "pid"
#define KEY_UPTIME "uptime"
#define KEY_CLOCK "clock"
#define KEY_LIBRARY "library"
/* Seconds the system's clock is ahead of what a peer told; absent: none did. */
#define KEY_CLOCK_OFF "clock_off"
#define KEY_SANDBOX "sandbox"
#define CLOCK_TRUSTED "trusted"
#define CLOCK_NOT_TRUSTED "not trusted"

#define KEY_PORT "port"
#define KEY_SINCE "since"
#define KEY_VERIFIED "verified"
#define KEY_BYTES_SENT "bytes_sent"
#define KEY_BYTES_RECEIVED "bytes_received"
#define KEY_WAITING_MESSAGES "waiting_messages"
#define KEY_WAITING_BYTES "waiting_bytes"
#define KEY_NEXT_WINDOW "next_window"
/* "left_session_seconds" ... "left_month_cost" */
#define KEY_LEFT(period, what) "left_" period "_" what

#define KEY_READY "ready"
#define KEY_DEFERRED "deferred"
#define KEY_HELD "held"
#define KEY_ACTIVE "active"
#define KEY_BYTES "bytes"

#define KEY_PEER "peer"
#define KEY_LINK "link"
#define KEY_ROLE "role"
#define KEY_MESSAGE "message"
#define KEY_BYTES_DONE "bytes_done"
#define KEY_BYTES_TOTAL "bytes_total"
#define KEY_TIME "time"
#define KEY_EVENT "event"
/* Of a session: seconds that what is left will take; money of the link. */
#define KEY_SECONDS_LEFT "seconds_left"
#define KEY_COST_SO_FAR "cost_so_far"
#define EVENT_BYTES "bytes"

/* --- ids --- */

enum { PROTOCOL_ID_TEXT_MAX = 40 };

/* "4711" (*n_r is 0: all of the message) or "4711.2". */
bool protocol_id_parse(struct str s, int64_t *id_r, unsigned *n_r);
/* N 0: the message. */
void protocol_id_format(int64_t id, unsigned n, char out[PROTOCOL_ID_TEXT_MAX]);

/* --- records both sides make --- */

/* A request: verb and, unless NULL, action. R is initialised here. */
void protocol_request(struct record *r, const char *verb, const char *action);
/* An answer, cleared and given its kind. */
void protocol_answer(struct record *r, const char *kind);
/* The last answer; TEXT may be NULL, COUNT below 0 means none. */
void protocol_end(
	struct record *r, int status, const char *text, int64_t count);

#endif
