#include "conf/schema.h"
#include "conf/conf.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KILO INT64_C(1024)
#define MEGA (1024 * KILO)
#define GIGA (1024 * MEGA)
#define TERA (1024 * GIGA)

static const struct schema_row rows[] = {
	{
		.path = "hostname",
		.type = SCHEMA_STRING,
		.sentence = "Name of this node in greetings, Received fields "
			    "and message ids; by default what the system calls "
			    "itself, if that has a dot.",
	},
	{
		.path = "spool",
		.type = SCHEMA_STRING,
		.fallback = "sqlite:/var/lib/tidepost/spool.db",
		.sentence = "Where the mail waits: sqlite: and an absolute "
			    "path.",
	},
	{
		.path = "run_dir",
		.type = SCHEMA_STRING,
		.fallback = "/run/tidepost",
		.sentence = "Directory of the control socket and the lock.",
	},
	{
		.path = "user",
		.type = SCHEMA_STRING,
		.fallback = "tidepost",
		.sentence =
			"Who the daemon becomes when it is started as root.",
	},
	{
		.path = "sandbox",
		.type = SCHEMA_BOOL,
		.fallback = "true",
		.sentence =
			"Where the kernel has Landlock, the daemon gives up at "
			"its start all files but those that the configuration "
			"names, and running programs, which its helper does.",
	},
	{
		.path = "listeners",
		.type = SCHEMA_LIST,
		.sentence = "Where the node accepts connections, a group each.",
	},
	{
		.path = "listeners.name",
		.type = SCHEMA_STRING,
		.sentence = "What status and log call it; by default its "
			    "service.",
	},
	{
		.path = "listeners.address",
		.type = SCHEMA_STRING,
		.fallback = "*",
		.sentence =
			"An IPv4 or IPv6 address of this host, or * for all "
			"of them; for lmtp \"unix:\" and a path; \"program\" "
			"where tidepost serve alone brings connections.",
	},
	{
		.path = "listeners.port",
		.type = SCHEMA_INT,
		.most = 65535,
		.sentence = "By default the port of the service: 25, 587 (465 "
			    "with implicit TLS) or 366; 0 takes any free one.",
	},
	{
		.path = "listeners.service",
		.type = SCHEMA_WORD,
		.fallback = "smtp",
		.words = "smtp submission odmr lmtp",
		.sentence =
			"smtp takes mail for this node, submission takes "
			"mail from users who log in, odmr hands customers "
			"their mail, lmtp takes mail from programs of this host over a Unix socket (address = \"unix:/path\").",
	},
	{
		.path = "listeners.tls",
		.type = SCHEMA_WORD,
		.words = "none offered required implicit",
		.sentence = "By default required for submission and odmr, for "
			    "smtp offered where tls.certificate is set, else "
			    "none.",
	},
	{
		.path = "listeners.atrn",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence =
			"Offer ATRN on a submission listener too, so that a "
			"customer sends and then collects on one connection; "
			"odmr listeners always do.",
	},
	{
		.path = "listeners.auth_clear",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence = "Allow CRAM-MD5 and SCRAM without TLS here.",
	},
	{
		.path = "listeners.channel_binding",
		.type = SCHEMA_BOOL,
		.sentence = "Offer SCRAM-SHA-256-PLUS, which binds a login to "
			    "its TLS connection. By default true for odmr, "
			    "else false.",
	},
	{
		.path = "tls",
		.type = SCHEMA_GROUP,
		.sentence = "Certificates and rules of TLS.",
	},
	{
		.path = "tls.certificate",
		.type = SCHEMA_STRING,
		.sentence =
			"File with this node's certificate chain (PEM), its "
			"own first.",
	},
	{
		.path = "tls.key",
		.type = SCHEMA_STRING,
		.sentence = "File with the private key of the certificate "
			    "(PEM).",
	},
	{
		.path = "tls.ca_file",
		.type = SCHEMA_STRING,
		.fallback = "/etc/ssl/certs/ca-certificates.crt",
		.sentence = "File with the authorities (PEM) that peers' "
			    "certificates are checked against.",
	},
	{
		.path = "tls.client_ca_file",
		.type = SCHEMA_STRING,
		.sentence = "File with your own authority (PEM): who shows a "
			    "certificate of its making may log in under the "
			    "certificate's name (EXTERNAL). Without it nobody "
			    "can.",
	},
	{
		.path = "tls.min_version",
		.type = SCHEMA_WORD,
		.fallback = "1.2",
		.words = "1.2 1.3",
		.sentence = "The oldest TLS version to speak.",
	},
	{
		.path = "relay",
		.type = SCHEMA_GROUP,
		.sentence = "Who may send to the outside through this node.",
	},
	{
		.path = "relay.networks",
		.type = SCHEMA_STRINGS,
		.fallback = "127.0.0.0/8 ::1/128",
		.sentence = "Networks (address/bits) whose hosts may relay "
			    "without logging in.",
	},
	{
		.path = "relay.max_priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.fallback = "0",
		.sentence = "The highest priority that they may ask for.",
	},
	{
		.path = "limits",
		.type = SCHEMA_GROUP,
		.sentence = "What one peer may cost this node.",
	},
	{
		.path = "limits.message_size",
		.type = SCHEMA_SIZE,
		.least = 1,
		.most = TERA,
		.fallback = "50M",
		.sentence = "The largest message accepted.",
	},
	{
		.path = "limits.recipients",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 1000000,
		.fallback = "1000",
		.unit = "recipients",
		.sentence =
			"Recipients of one message; RFC 5321 wants at least "
			"100.",
	},
	{
		.path = "limits.alias_addresses",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 20000,
		.fallback = "1000",
		.unit = "addresses",
		.sentence =
			"Addresses that one alias becomes, with those of the "
			"aliases in it.",
	},
	{
		.path = "limits.batch_size",
		.type = SCHEMA_SIZE,
		.least = MEGA,
		.most = TERA,
		.fallback = "1G",
		.sentence = "The largest batch taken, once decompressed.",
	},
	{
		.path = "limits.connections",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 100000,
		.fallback = "1000",
		.unit = "connections",
		.sentence = "Incoming connections at the same time.",
	},
	{
		.path = "limits.connections_per_client",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 100000,
		.fallback = "50",
		.unit = "connections",
		.sentence = "Of these, connections from one address.",
	},
	{
		.path = "limits.line",
		.type = SCHEMA_INT,
		.least = 78,
		.most = 1048576,
		.fallback = "998",
		.unit = "octets",
		.sentence = "The longest line of a message, without its CRLF.",
	},
	{
		.path = "limits.errors",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 10000,
		.fallback = "20",
		.unit = "commands",
		.sentence = "Refused commands in one session before it is "
			    "closed.",
	},
	{
		.path = "limits.commands",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 1000000,
		.fallback = "100",
		.unit = "commands",
		.sentence = "Commands in a row that move no mail (NOOP, RSET, "
			    "VRFY) before the session is closed.",
	},
	{
		.path = "limits.messages_per_client",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "0",
		.sentence = "Messages an address that did not log in may hand "
			    "in within an hour; 0 for any number.",
	},
	{
		.path = "limits.messages_per_user",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "0",
		.sentence = "Messages a user or customer may hand in within "
			    "an hour; 0 for any number.",
	},
	{
		.path = "limits.etrn_per_hour",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "600",
		.sentence = "ETRN commands for one customer within an hour; 0 "
			    "for any number.",
	},
	{
		.path = "limits.atrn_per_hour",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "120",
		.sentence = "How often a customer may ask for its mail (ATRN) "
			    "within an hour; 0 for any number.",
	},
	{
		.path = "limits.queue_size",
		.type = SCHEMA_SIZE,
		.most = 1024 * TERA,
		.fallback = "0",
		.sentence =
			"What may wait in the queue in all, a message counted "
			"once for each recipient; near it mail is refused for "
			"now; 0 for any amount.",
	},
	{
		.path = "limits.queue_messages",
		.type = SCHEMA_INT,
		.most = INT32_MAX,
		.fallback = "0",
		.sentence = "How many messages may wait in the queue, counted "
			    "likewise; 0 for any number.",
	},
	{
		.path = "limits.hold_time",
		.type = SCHEMA_DURATION,
		.most = 3650 * DAY,
		.fallback = "30d",
		.sentence = "For how long a user may have mail held that is "
			    "handed in for later (FUTURERELEASE); 0: that is "
			    "not offered.",
	},
	{
		.path = "limits.hold_messages",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "100",
		.sentence = "How many messages of one user may be held so at a "
			    "time; 0 for any number.",
	},
	{
		.path = "limits.command_timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "5m",
		.sentence =
			"How long a peer may take for its next command (RFC "
			"5321 4.5.3.2).",
	},
	{
		.path = "limits.data_timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "3m",
		.sentence = "How long a peer may pause inside a message (RFC "
			    "5321 4.5.3.2.5).",
	},
	{
		.path = "limits.stall_timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "5m",
		.sentence = "How long a session may go without progress of "
			    "acknowledged octets.",
	},
	{
		.path = "limits.final_timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "10m",
		.sentence = "How long a peer may take to answer the end of a "
			    "message (RFC 5321 4.5.3.2.6); less makes doubles.",
	},
	{
		.path = "limits.auth_delay",
		.type = SCHEMA_DURATION,
		.most = MINUTE,
		.fallback = "1s",
		.sentence = "How long the answer to a wrong login waits; twice "
			    "as long for the next one, at most eight times.",
	},
	{
		.path = "limits.auth_failures_per_client",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "60",
		.sentence = "Wrong logins of an address (of IPv6 a /64) within "
			    "an hour, before its logins are told their "
			    "outcome one at a time; 0 for any number.",
	},
	{
		.path = "limits.auth_failures_per_account",
		.type = SCHEMA_INT,
		.most = 1000000,
		.fallback = "60",
		.sentence = "Wrong logins to an account within an hour, before "
			    "each login to it waits eight times "
			    "limits.auth_delay; 0 for any number.",
	},
	{
		.path = "limits.auth_pace",
		.type = SCHEMA_DURATION,
		.most = MINUTE,
		.fallback = "3s",
		.sentence = "Time between two outcomes of logins for an "
			    "address with too many wrong ones.",
	},
	{
		.path = "limits.disk_reserve",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.fallback = "16M",
		.sentence = "Space on the spool's disk that must stay free; "
			    "below it mail is refused for now.",
	},
	{
		.path = "local",
		.type = SCHEMA_GROUP,
		.sentence = "Mail that ends here.",
	},
	{
		.path = "local.domains",
		.type = SCHEMA_STRINGS,
		.sentence = "Domains whose mail is delivered on this host.",
	},
	{
		.path = "local.deliver",
		.type = SCHEMA_STRING,
		.sentence =
			"Where to: maildir: or mbox: and an absolute path, in "
			"which {user} and {domain} stand for the "
			"recipient's; pipe: and the path of a program with "
			"its arguments; lmtp: and unix: with the path of a "
			"socket, or host:port.",
	},
	{
		.path = "local.deliver_as",
		.type = SCHEMA_STRING,
		.sentence = "The user of this host who puts it there: a name, "
			    "or {user}, the recipient; by default who the "
			    "daemon is.",
	},
	{
		.path = "local.min_uid",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 2147483647,
		.fallback = "1000",
		.sentence = "The lowest number of a user whom {user} in "
			    "local.deliver_as may become.",
	},
	{
		.path = "local.timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = HOUR,
		.fallback = "5m",
		.sentence = "How long a program may take for a message.",
	},
	{
		.path = "local.users",
		.type = SCHEMA_STRING,
		.fallback = "any",
		.sentence = "Who has a mailbox: any, file: and the path of a "
			    "list of names, spool, the users in the spool, or "
			    "dovecot: and the path of Dovecot's socket "
			    "auth-userdb; others get 550 5.1.1.",
	},
	{
		.path = "local.unknown",
		.type = SCHEMA_STRING,
		.fallback = "refuse",
		.sentence = "What becomes of mail for who is not in "
			    "local.users: refuse, with 550 5.1.1, or peer: and "
			    "the name of a peer, which has the other users of "
			    "these domains.",
	},
	{
		.path = "local.unknown_domains",
		.type = SCHEMA_STRINGS,
		.sentence = "For which of local.domains that holds; by default "
			    "for all.",
	},
	{
		.path = "local.separator",
		.type = SCHEMA_STRING,
		.fallback = "+",
		.sentence =
			"What parts a user from the extension in an "
			"address (ann+lists): some of + - = _ . and #, each "
			"of which does, or none.",
	},
	{
		.path = "local.quota",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.fallback = "0",
		.sentence = "The size of a Maildir; 0 is any, but where its "
			    "file maildirsize says more. Mail beyond it "
			    "waits.",
	},
	{
		.path = "local.aliases",
		.type = SCHEMA_STRING,
		.sentence = "File with aliases, as in /etc/aliases: names at "
			    "the local domains that stand for other "
			    "addresses.",
	},
	{
		.path = "local.expn",
		.type = SCHEMA_BOOL,
		.fallback = "true",
		.sentence = "Answer EXPN with what an alias stands for, to "
			    "clients that may relay.",
	},
	{
		.path = "programs",
		.type = SCHEMA_GROUP,
		.sentence = "Programs of this host that hand mail in.",
	},
	{
		.path = "programs.trusted",
		.type = SCHEMA_STRINGS,
		.fallback = "root daemon uucp",
		.sentence =
			"Users whose programs may name any sender and bring "
			"the mail of others (rmail, rsmtp). Root and the "
			"daemon's user always may.",
	},
	{
		.path = "programs.drop",
		.type = SCHEMA_STRING,
		.sentence =
			"Directory where they leave mail while the daemon is "
			"down; by default that of the spool with -drop behind "
			"its name.",
	},
	{
		.path = "programs.recipients",
		.type = SCHEMA_INT,
		.least = 100,
		.most = 50000,
		.unit = "recipients",
		.fallback = "10000",
		.sentence = "Recipients of one message of a program, instead "
			    "of limits.recipients.",
	},
	{
		.path = "auth",
		.type = SCHEMA_STRING,
		.fallback = "spool",
		.sentence =
			"Where passwords are checked: spool, the accounts in "
			"the spool, or dovecot: and the path of Dovecot's "
			"socket auth-client. What Dovecot's user may do is "
			"what the user or customer of that name in the spool "
			"may; without one it may send as itself.",
	},
	{
		.path = "auth_results",
		.type = SCHEMA_STRINGS,
		.sentence =
			"Names under which the host in front of this node (a "
			"filter, an MX) writes Authentication-Results; by "
			"default the hostname. Where the first such field "
			"says pass for spf, dkim or dmarc, the sender may be "
			"told what became of the message. Only fields from "
			"clients in relay.networks or over lmtp are read.",
	},
	{
		.path = "peers",
		.type = SCHEMA_LIST,
		.sentence = "The hosts this node talks to, a group each.",
	},
	{
		.path = "peers.name",
		.type = SCHEMA_STRING,
		.required = true,
		.sentence = "What routes and links call it.",
	},
	{
		.path = "peers.host",
		.type = SCHEMA_STRINGS,
		.sentence = "Its host names or addresses, tried in this order; "
			    "where a name cannot be looked up, the address "
			    "that served last is tried next.",
	},
	{
		.path = "peers.command",
		.type = SCHEMA_STRING,
		.sentence = "A program instead of a host: its standard input "
			    "and output are the connection.",
	},
	{
		.path = "peers.port",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 65535,
		.fallback = "587",
		.sentence = "The port for sending to it.",
	},
	{
		.path = "peers.tls",
		.type = SCHEMA_WORD,
		.fallback = "required",
		.words = "none offered required implicit",
		.sentence = "Whether TLS is used with it; required never falls "
			    "back.",
	},
	{
		.path = "peers.tls_name",
		.type = SCHEMA_STRING,
		.sentence =
			"The name its certificate must hold; by default the "
			"host.",
	},
	{
		.path = "peers.verify",
		.type = SCHEMA_STRING,
		.fallback = "name",
		.sentence = "How its certificate is checked: name (chain and "
			    "name), none, or sha256: and the digest of its "
			    "public key in hexadecimal or base64.",
	},
	{
		.path = "peers.user",
		.type = SCHEMA_STRING,
		.sentence = "The name to log in with; without it no login.",
	},
	{
		.path = "peers.password_file",
		.type = SCHEMA_STRING,
		.sentence = "File whose first line is the password.",
	},
	{
		.path = "peers.certificate",
		.type = SCHEMA_STRING,
		.sentence = "File with a certificate (PEM, its own first) to "
			    "show to this peer; where it offers AUTH EXTERNAL "
			    "that is the login.",
	},
	{
		.path = "peers.key",
		.type = SCHEMA_STRING,
		.sentence = "File with the certificate's private key (PEM).",
	},
	{
		.path = "peers.auth_clear",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence = "Allow CRAM-MD5 and SCRAM with this peer without "
			    "verified TLS.",
	},
	{
		.path = "peers.collect",
		.type = SCHEMA_WORD,
		.fallback = "none",
		.words = "none atrn etrn",
		.sentence =
			"How to fetch our own mail there: atrn (RFC 2645), on "
			"the connection that was made; or etrn (RFC 1985), "
			"then the peer connects to our smtp listener.",
	},
	{
		.path = "peers.collect_port",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 65535,
		.sentence = "The port for ATRN, as a rule 366; without it mail "
			    "is collected on the connection that sent.",
	},
	{
		.path = "peers.domains",
		.type = SCHEMA_STRINGS,
		.sentence = "The domains to ask for; by default local.domains.",
	},
	{
		.path = "peers.order",
		.type = SCHEMA_WORD,
		.fallback = "both",
		.words = "both push-first collect-first",
		.sentence = "What goes first, sending or collecting; both: "
			    "over as few connections as can be, which is "
			    "sending first.",
	},
	{
		.path = "peers.etrn_wait",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "60s",
		.sentence = "How long after ETRN, or after the last session on "
			    "an smtp listener ended, the link is kept for mail "
			    "that was asked for.",
	},
	{
		.path = "routes",
		.type = SCHEMA_LIST,
		.sentence =
			"Where mail for other domains goes: the first route "
			"that matches.",
	},
	{
		.path = "routes.match",
		.type = SCHEMA_STRING,
		.required = true,
		.sentence = "A domain, .domain for all its subdomains, "
			    "user@domain, or * for everything.",
	},
	{
		.path = "routes.name",
		.type = SCHEMA_STRING,
		.sentence = "What queue list calls the route; by default its "
			    "match.",
	},
	{
		.path = "routes.peers",
		.type = SCHEMA_STRINGS,
		.sentence = "The peers to send to, the preferred one first; mx "
			    "stands for the hosts of the recipient's domain.",
	},
	{
		.path = "routes.command",
		.type = SCHEMA_STRING,
		.sentence = "Instead of peers: a program, run by /bin/sh, that "
			    "gets a batch of the mail on its standard input. "
			    "When it ends with 0 it has taken all of it.",
	},
	{
		.path = "routes.folder",
		.type = SCHEMA_STRING,
		.sentence =
			"Instead of peers: a folder into which batches are "
			"put, a file each (a USB stick). While it is not there "
			"the mail waits.",
	},
	{
		.path = "routes.mailto",
		.type = SCHEMA_STRING,
		.sentence = "Instead of peers: an address to which batches are "
			    "mailed (RFC 2442), by the route that this address "
			    "has.",
	},
	{
		.path = "routes.seal_file",
		.type = SCHEMA_STRING,
		.sentence = "File whose first line is a secret: with mailto, "
			    "batches are sealed with it, so that the far end "
			    "knows whose they are.",
	},
	{
		.path = "routes.format",
		.type = SCHEMA_WORD,
		.fallback = "bsmtp",
		.words = "bsmtp rmail",
		.sentence =
			"bsmtp is batch SMTP, many messages in a batch; rmail "
			"runs the command once for each message, as RFC 976 "
			"has it, with {} for its recipients as bang paths.",
	},
	{
		.path = "routes.compress",
		.type = SCHEMA_WORD,
		.fallback = "none",
		.words = "none gzip zstd",
		.sentence = "What a batch is compressed with.",
	},
	{
		.path = "routes.batch_size",
		.type = SCHEMA_SIZE,
		.least = 1024,
		.most = GIGA,
		.sentence = "How large a batch may become, before it is "
			    "compressed; a larger message goes alone. By "
			    "default 64M, with mailto 5M.",
	},
	{
		.path = "routes.timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "10m",
		.sentence = "How long the command may take for one batch.",
	},
	{
		.path = "rules",
		.type = SCHEMA_LIST,
		.sentence = "What to do with mail on arrival, for each "
			    "recipient: the first rule that matches in all "
			    "that it names.",
	},
	{
		.path = "rules.from",
		.type = SCHEMA_STRING,
		.sentence = "The sender: an address, domain, .domain, or an "
			    "address with * and ?; <> for notices.",
	},
	{
		.path = "rules.to",
		.type = SCHEMA_STRING,
		.sentence = "The recipient, in the same way.",
	},
	{
		.path = "rules.header",
		.type = SCHEMA_STRING,
		.sentence =
			"A header field: \"Name\", or \"Name: text\" with * "
			"and ?, without case.",
	},
	{
		.path = "rules.larger",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.sentence = "Matches what is larger; 0: of any size.",
	},
	{
		.path = "rules.priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.sentence = "The priority to give, whatever was asked for.",
	},
	{
		.path = "rules.links",
		.type = SCHEMA_STRINGS,
		.sentence = "The only links that may carry it to a peer.",
	},
	{
		.path = "rules.hold",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence = "Hold it until a person releases it.",
	},
	{
		.path = "links",
		.type = SCHEMA_LIST,
		.sentence = "Ways out that are sometimes there; a peer that no "
			    "link names is always reachable.",
	},
	{
		.path = "links.name",
		.type = SCHEMA_STRING,
		.required = true,
		.sentence = "What tidepost link up and down call it.",
	},
	{
		.path = "links.interface",
		.type = SCHEMA_STRING,
		.sentence = "The network interface of the link, followed by "
			    "itself.",
	},
	{
		.path = "links.probe",
		.type = SCHEMA_GROUP,
		.sentence = "A program that finds out whether the link is "
			    "there.",
	},
	{
		.path = "links.probe.command",
		.type = SCHEMA_STRING,
		.sentence = "The program; exit 0 means up.",
	},
	{
		.path = "links.probe.every",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "60s",
		.sentence = "How often it runs.",
	},
	{
		.path = "links.peers",
		.type = SCHEMA_STRINGS,
		.sentence = "The peers reached over this link; by default all.",
	},
	{
		.path = "links.bit_rate",
		.type = SCHEMA_INT,
		.least = 1,
		.most = INT64_C(1000000000000),
		.unit = "bit/s",
		.sentence =
			"Its speed: on a slow link little is handed over before the peer has what went before. Where it is not given it is measured.",
	},
	{
		.path = "links.rtt",
		.type = SCHEMA_DURATION,
		.most = 10 * MINUTE,
		.sentence =
			"Its round trip time; 0 or not given: measured, one second until then.",
	},
	{
		.path = "links.max_rate",
		.type = SCHEMA_INT,
		.least = 64,
		.most = INT64_C(1000000000000),
		.unit = "bit/s",
		.sentence =
			"The most that mail uses of it, in each direction: the rest is left for other use, such as voice.",
	},
	{
		.path = "links.max_size",
		.type = SCHEMA_SIZE,
		.least = 1,
		.most = TERA,
		.sentence = "The largest message that uses this link, in both "
			    "directions.",
	},
	{
		.path = "links.min_priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.sentence = "Less urgent mail does not use this link.",
	},
	{
		.path = "links.dial",
		.type = SCHEMA_GROUP,
		.sentence = "How the link is brought up and taken down.",
	},
	{
		.path = "links.dial.up",
		.type = SCHEMA_STRING,
		.sentence = "The program that dials.",
	},
	{
		.path = "links.dial.down",
		.type = SCHEMA_STRING,
		.sentence = "The program that hangs up.",
	},
	{
		.path = "links.dial.timeout",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = HOUR,
		.fallback = "90s",
		.sentence = "How long dialling may take.",
	},
	{
		.path = "links.dial.windows",
		.type = SCHEMA_STRINGS,
		.sentence = "When it may be used: 06:00-06:20, or with days "
			    "Mon-Fri 18:00-18:20.",
	},
	{
		.path = "links.dial.call_when_waiting",
		.type = SCHEMA_DURATION,
		.most = 30 * DAY,
		.sentence = "Call in a window when mail has waited so long.",
	},
	{
		.path = "links.dial.call_at_once_priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.sentence = "Call at once for mail of this priority and above.",
	},
	{
		.path = "links.cost",
		.type = SCHEMA_GROUP,
		.sentence = "What the link costs.",
	},
	{
		.path = "links.cost.per_minute",
		.type = SCHEMA_FLOAT,
		.most = 1000000,
		.fallback = "0",
		.sentence = "Money for each minute.",
	},
	{
		.path = "links.cost.per_megabyte",
		.type = SCHEMA_FLOAT,
		.most = 1000000,
		.fallback = "0",
		.sentence = "Money for each megabyte.",
	},
	{
		.path = "links.cost.per_call",
		.type = SCHEMA_FLOAT,
		.most = 1000000,
		.fallback = "0",
		.sentence = "Money for each call.",
	},
	{
		.path = "links.cost.billing_step",
		.type = SCHEMA_DURATION,
		.least = SECOND,
		.most = DAY,
		.fallback = "1s",
		.sentence = "Time is paid in whole steps of this length.",
	},
	{
		.path = "links.cost.currency",
		.type = SCHEMA_STRING,
		.sentence = "The currency, for people to read.",
	},
	{
		.path = "links.budget",
		.type = SCHEMA_GROUP,
		.sentence = "What may be spent on the link.",
	},
	{
		.path = "links.budget.session",
		.type = SCHEMA_GROUP,
		.sentence = "The most for one session.",
	},
	{
		.path = "links.budget.session.time",
		.type = SCHEMA_DURATION,
		.most = 366 * DAY,
		.sentence = "Time.",
	},
	{
		.path = "links.budget.session.bytes",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.sentence = "Octets, both directions together.",
	},
	{
		.path = "links.budget.session.cost",
		.type = SCHEMA_FLOAT,
		.most = 1000000000,
		.sentence = "Money.",
	},
	{
		.path = "links.budget.day",
		.type = SCHEMA_GROUP,
		.sentence = "The most for a day.",
	},
	{
		.path = "links.budget.day.time",
		.type = SCHEMA_DURATION,
		.most = 366 * DAY,
		.sentence = "Time.",
	},
	{
		.path = "links.budget.day.bytes",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.sentence = "Octets, both directions together.",
	},
	{
		.path = "links.budget.day.cost",
		.type = SCHEMA_FLOAT,
		.most = 1000000000,
		.sentence = "Money.",
	},
	{
		.path = "links.budget.month",
		.type = SCHEMA_GROUP,
		.sentence = "The most for a month.",
	},
	{
		.path = "links.budget.month.time",
		.type = SCHEMA_DURATION,
		.most = 366 * DAY,
		.sentence = "Time.",
	},
	{
		.path = "links.budget.month.bytes",
		.type = SCHEMA_SIZE,
		.most = TERA,
		.sentence = "Octets, both directions together.",
	},
	{
		.path = "links.budget.month.cost",
		.type = SCHEMA_FLOAT,
		.most = 1000000000,
		.sentence = "Money.",
	},
	{
		.path = "links.budget.month.starts",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 28,
		.fallback = "1",
		.sentence = "The day on which the month begins.",
	},
	{
		.path = "links.budget.reserve",
		.type = SCHEMA_GROUP,
		.sentence = "What is kept for urgent mail.",
	},
	{
		.path = "links.budget.reserve.time",
		.type = SCHEMA_DURATION,
		.most = 366 * DAY,
		.sentence = "Time kept back of each budget.",
	},
	{
		.path = "links.budget.reserve.min_priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.fallback = "4",
		.sentence = "Mail of this priority and above may use it.",
	},
	{
		.path = "links.timezone",
		.type = SCHEMA_STRING,
		.sentence = "The time zone of its days, months and windows, by "
			    "name (\"Europe/Oslo\") or as rules "
			    "(\"CET-1CEST,M3.5.0,M10.5.0/3\"); by default UTC.",
	},
	{
		.path = "queue",
		.type = SCHEMA_GROUP,
		.sentence = "How long mail waits and when it is tried again.",
	},
	{
		.path = "queue.retry",
		.type = SCHEMA_DURATIONS,
		.least = SECOND,
		.most = 30 * DAY,
		.fallback = "5m 15m 1h 4h",
		.sentence = "The waits between attempts; the last one repeats.",
	},
	{
		.path = "queue.warn_after",
		.type = SCHEMA_DURATION,
		.most = 365 * DAY,
		.fallback = "4h",
		.sentence =
			"When a local sender is told that mail still waits; "
			"0 is never.",
	},
	{
		.path = "queue.note_after",
		.type = SCHEMA_DURATION,
		.most = 365 * DAY,
		.fallback = "15m",
		.sentence =
			"When a local sender is told that mail waits for a "
			"window, a budget, or a link that carries more; 0 is "
			"never.",
	},
	{
		.path = "queue.expire_after",
		.type = SCHEMA_DURATION,
		.least = DAY,
		.most = 365 * DAY,
		.fallback = "5d",
		.sentence = "On how many days a delivery is really attempted "
			    "before it is returned.",
	},
	{
		.path = "queue.longest",
		.type = SCHEMA_DURATION,
		.least = DAY,
		.most = 3650 * DAY,
		.sentence = "The longest time in the queue, tried or not; by "
			    "default no end.",
	},
	{
		.path = "queue.keep_deleted",
		.type = SCHEMA_DURATION,
		.most = 365 * DAY,
		.fallback = "7d",
		.sentence = "How long deleted mail can be brought back.",
	},
	{
		.path = "queue.customer_lifetime",
		.type = SCHEMA_DURATION,
		.least = MINUTE,
		.most = 3650 * DAY,
		.fallback = "30d",
		.sentence = "How long mail is held for a customer who has no "
			    "--lifetime of its own.",
	},
	{
		.path = "queue.quarantine",
		.type = SCHEMA_DURATION,
		.least = HOUR,
		.most = 365 * DAY,
		.fallback = "7d",
		.sentence = "How long customers' mail that could neither be "
			    "delivered nor returned is kept for undelete.",
	},
	{
		.path = "queue.recode_signed",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence = "Write 8-bit mail in 7 bit for a peer that takes "
			    "no more also where its DKIM signature breaks by "
			    "that; else it is returned.",
	},
	{
		.path = "customers",
		.type = SCHEMA_GROUP,
		.sentence = "How customers are served.",
	},
	{
		.path = "customers.tell_kept",
		.type = SCHEMA_BOOL,
		.fallback = "true",
		.sentence =
			"Begin a customer's session with a short message about "
			"mail for it that is kept back, once for each.",
	},
	{
		.path = "notices",
		.type = SCHEMA_GROUP,
		.sentence = "What senders are told of mail that failed.",
	},
	{
		.path = "notices.copy_to",
		.type = SCHEMA_STRING,
		.sentence = "An address that gets a copy of each notice of "
			    "mail that failed; by default nobody does.",
	},
	{
		.path = "notices.full_size",
		.type = SCHEMA_SIZE,
		.most = 16 * MEGA,
		.fallback = "64K",
		.sentence = "The largest message that comes back whole in a "
			    "notice, where its sender asked for that "
			    "(RET=FULL); of others only the header does.",
	},
	{
		.path = "batches",
		.type = SCHEMA_GROUP,
		.sentence = "Batches that come as mail (RFC 2442); without it "
			    "such mail is mail like other.",
	},
	{
		.path = "batches.address",
		.type = SCHEMA_STRING,
		.required = true,
		.sentence = "Mail to this address holds a batch, whose "
			    "messages are taken as if they had come "
			    "themselves.",
	},
	{
		.path = "batches.senders",
		.type = SCHEMA_STRINGS,
		.required = true,
		.sentence = "The addresses whose mail is taken there, by the "
			    "sender of the envelope; all other is refused.",
	},
	{
		.path = "batches.seal_file",
		.type = SCHEMA_STRING,
		.sentence =
			"File whose first line is the secret of their "
			"routes.seal_file; a batch without its seal is held. "
			"Without this key a batch is held unless a login or "
			"the host in front vouches for its sender.",
	},
	{
		.path = "batches.relay",
		.type = SCHEMA_BOOL,
		.fallback = "false",
		.sentence = "Whether messages in them may go to other domains "
			    "than local ones and those of customers.",
	},
	{
		.path = "mx",
		.type = SCHEMA_GROUP,
		.sentence = "How mail goes by MX: where a route names the "
			    "peer mx.",
	},
	{
		.path = "mx.server",
		.type = SCHEMA_STRING,
		.sentence = "Address of the name server to ask, \"@\" and a "
			    "port behind it if that is not 53; by default "
			    "those of the system.",
	},
	{
		.path = "mx.root_key",
		.type = SCHEMA_STRING,
		.sentence = "File with the key of the DNS root, as "
			    "/usr/share/dns/root.key: signed answers are "
			    "checked, and what a domain says of the TLS of its "
			    "hosts is held to (DANE). The name server must "
			    "hand signatures on.",
	},
	{
		.path = "mx.port",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 65535,
		.fallback = "25",
		.sentence = "The port of mail hosts.",
	},
	{
		.path = "mx.tls",
		.type = SCHEMA_WORD,
		.fallback = "offered",
		.words = "none offered required",
		.sentence = "offered uses TLS where a host has it, without "
			    "asking who it is; required leaves mail waiting "
			    "where it has none.",
	},
	{
		.path = "mx.sessions",
		.type = SCHEMA_INT,
		.least = 1,
		.most = 1000,
		.fallback = "20",
		.sentence = "How many domains are delivered to at once. Those "
			    "whose hosts have said nothing for 10 seconds "
			    "come on top, up to four times as many.",
	},
	{
		.path = "hooks",
		.type = SCHEMA_STRING,
		.sentence = "Directory of the hooks, programs that run at "
			    "events: EVENT.d/PROGRAM. See tidepost-hooks(7).",
	},
	{
		.path = "report",
		.type = SCHEMA_GROUP,
		.sentence = "A message once a day by which this node says how "
			    "it is.",
	},
	{
		.path = "report.to",
		.type = SCHEMA_STRING,
		.sentence = "The address that gets it; by default nobody does.",
	},
	{
		.path = "report.at",
		.type = SCHEMA_STRING,
		.fallback = "06:00",
		.sentence = "From what time of day on (UTC). What was missed "
			    "is made up for once, as soon as the node runs and "
			    "knows the time.",
	},
	{
		.path = "report.priority",
		.type = SCHEMA_PRIORITY,
		.least = -9,
		.most = 9,
		.fallback = "-9",
		.sentence = "Its priority. It never asks for a call, but a "
			    "link with a min_priority above this does not "
			    "carry it.",
	},
	{
		.path = "metrics",
		.type = SCHEMA_GROUP,
		.sentence = "Figures for Prometheus, beside the file "
			    "tidepost.prom in run_dir.",
	},
	{
		.path = "metrics.listen",
		.type = SCHEMA_STRING,
		.sentence = "Where the page /metrics is served over HTTP: "
			    "\"127.0.0.1:9925\", \"[::1]:9925\", or "
			    "\"unix:\" and a path; only programs of this host "
			    "can ask. By default nowhere.",
	},
	{
		.path = "log",
		.type = SCHEMA_GROUP,
		.sentence = "The log.",
	},
	{
		.path = "log.to",
		.type = SCHEMA_WORD,
		.fallback = "stderr",
		.words = "journal syslog stderr",
		.sentence = "Where it goes. journal: to systemd's journal, "
			    "with fields to search by (see tidepostd(8)), or "
			    "to standard error where there is none.",
	},
	{
		.path = "log.level",
		.type = SCHEMA_WORD,
		.fallback = "info",
		.words = "debug info warning error",
		.sentence = "The least important lines to log.",
	},
	{
		.path = "log.keep",
		.type = SCHEMA_DURATION,
		.least = HOUR,
		.most = 3650 * DAY,
		.fallback = "90d",
		.sentence = "How long events stay in the spool.",
	},
	{
		.path = "log.keep_size",
		.type = SCHEMA_SIZE,
		.least = 64 * KILO,
		.most = TERA,
		.fallback = "20M",
		.sentence = "The most space that they take there.",
	},
};

size_t
schema_rows(void)
{
	return sizeof(rows) / sizeof(*rows);
}

const struct schema_row *
schema_row(size_t i)
{
	return i < schema_rows() ? &rows[i] : NULL;
}

const char *
conf_schema_key(size_t i)
{
	return i < schema_rows() ? rows[i].path : NULL;
}
