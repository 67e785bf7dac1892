-- The spool, version 1; version-2.sql and later follow it, in old and in new spools.
-- docs/spool.md tells what each table is for.
-- Columns marked "later" belong to work that is planned: they are here so that
-- a spool written today needs no change of shape then.

CREATE TABLE message (
	id INTEGER PRIMARY KEY,
	sender TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	received_from TEXT NOT NULL,
	account TEXT NOT NULL,
	size INTEGER NOT NULL,
	has_8bit INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	is_notice INTEGER NOT NULL,
	deliver_by INTEGER NOT NULL,
	param_has_size INTEGER NOT NULL,
	param_size INTEGER NOT NULL,
	param_body INTEGER NOT NULL,
	param_smtputf8 INTEGER NOT NULL,
	param_requiretls INTEGER NOT NULL,
	param_ret INTEGER NOT NULL,
	param_envid TEXT NOT NULL,
	param_has_auth INTEGER NOT NULL,
	param_auth TEXT NOT NULL,
	param_has_priority INTEGER NOT NULL,
	param_priority INTEGER NOT NULL,
	param_has_by INTEGER NOT NULL,
	param_by_s INTEGER NOT NULL,
	param_by_mode INTEGER NOT NULL,
	param_by_trace INTEGER NOT NULL,
	param_hold_for_s INTEGER NOT NULL,
	param_hold_until TEXT NOT NULL
) STRICT;

-- States: 0 receiving 1 ready 2 active 3 deferred 4 held 5 deleted.
CREATE TABLE delivery (
	message INTEGER NOT NULL REFERENCES message (id),
	n INTEGER NOT NULL,
	recipient TEXT NOT NULL,
	param_notify INTEGER NOT NULL,
	param_orcpt TEXT NOT NULL,
	state INTEGER NOT NULL,
	came_from INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	reason_arg TEXT NOT NULL,
	route TEXT NOT NULL,
	route_generation INTEGER NOT NULL,
	domain TEXT NOT NULL,
	link TEXT NOT NULL,
	priority INTEGER NOT NULL,
	urgency INTEGER NOT NULL,
	queued_at INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	days_attempted INTEGER NOT NULL,
	last_attempt INTEGER NOT NULL,
	next_attempt INTEGER NOT NULL,
	warned_at INTEGER NOT NULL,
	owner INTEGER NOT NULL,
	in_doubt INTEGER NOT NULL,
	ripe INTEGER NOT NULL,
	deleted_until INTEGER NOT NULL,
	sender TEXT NOT NULL,
	size INTEGER NOT NULL,
	needs INTEGER NOT NULL,
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_by_state ON delivery (state, message, n);
CREATE INDEX delivery_by_route ON delivery (route, state, message, n);
CREATE INDEX delivery_by_claim
	ON delivery (route, needs, urgency, size, message, n)
	WHERE ripe = 1;
CREATE INDEX delivery_by_claim_domain
	ON delivery (route, domain, needs, urgency, size, message, n)
	WHERE ripe = 1 AND domain <> '';
CREATE INDEX delivery_by_due ON delivery (route, next_attempt, message, n)
	WHERE state = 3 AND ripe = 0;
CREATE INDEX delivery_by_owner ON delivery (owner, message, n)
	WHERE owner <> 0;
CREATE INDEX delivery_by_generation
	ON delivery (route_generation, message, n);
CREATE INDEX delivery_by_deleted ON delivery (deleted_until, message, n)
	WHERE state = 5;

-- A body whose message is not there yet.
CREATE TABLE receiving (
	id INTEGER PRIMARY KEY,
	octets INTEGER NOT NULL,
	peer TEXT NOT NULL DEFAULT '',        -- later: RFC 1845
	transaction_id TEXT NOT NULL DEFAULT '',
	started_at INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Later: how far a message got at a peer that can resume (RFC 1845).
CREATE TABLE sending (
	message INTEGER NOT NULL,
	peer TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	octets INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (message, peer)
) STRICT, WITHOUT ROWID;

-- id is message * 1048576 + number; all chunks but the last have 65536 octets.
CREATE TABLE chunk (
	id INTEGER PRIMARY KEY,
	octets BLOB NOT NULL
) STRICT;

CREATE TABLE route (
	route TEXT PRIMARY KEY NOT NULL,
	reason INTEGER NOT NULL,
	reason_arg TEXT NOT NULL,
	blocked INTEGER NOT NULL,
	blocked_peer TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Deliveries and their bytes by route and state, kept by the triggers below.
CREATE TABLE counter (
	route TEXT NOT NULL,
	state INTEGER NOT NULL,
	deliveries INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (route, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN
	INSERT INTO counter VALUES (new.route, new.state, 1, new.size)
		ON CONFLICT DO UPDATE SET
		deliveries = deliveries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER delivery_gone AFTER DELETE ON delivery BEGIN
	UPDATE counter SET deliveries = deliveries - 1,
		bytes = bytes - old.size
		WHERE route = old.route AND state = old.state;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF route, state, size ON delivery
BEGIN
	UPDATE counter SET deliveries = deliveries - 1,
		bytes = bytes - old.size
		WHERE route = old.route AND state = old.state;
	INSERT INTO counter VALUES (new.route, new.state, 1, new.size)
		ON CONFLICT DO UPDATE SET
		deliveries = deliveries + 1, bytes = bytes + new.size;
END;

-- Users (kind 0) and customers (kind 1): one name space.
CREATE TABLE account (
	name TEXT PRIMARY KEY NOT NULL,
	kind INTEGER NOT NULL,
	iterations INTEGER NOT NULL,
	salt BLOB NOT NULL,
	stored_key BLOB NOT NULL,
	server_key BLOB NOT NULL,
	secret TEXT NOT NULL,
	next_iterations INTEGER NOT NULL,
	next_salt BLOB NOT NULL,
	next_stored_key BLOB NOT NULL,
	next_server_key BLOB NOT NULL,
	next_secret TEXT NOT NULL,
	senders TEXT NOT NULL,
	max_priority INTEGER NOT NULL,
	last_login INTEGER NOT NULL,
	networks TEXT NOT NULL,
	quota INTEGER NOT NULL,
	max_size INTEGER NOT NULL,
	lifetime_s INTEGER NOT NULL,
	etrn TEXT NOT NULL,
	suspended INTEGER NOT NULL,
	last_call INTEGER NOT NULL,
	last_result TEXT NOT NULL,
	recipients INTEGER NOT NULL DEFAULT 0 -- 0 any 1 listed 2 verify
) STRICT, WITHOUT ROWID;

CREATE TABLE customer_domain (
	domain TEXT PRIMARY KEY NOT NULL,
	account TEXT NOT NULL,
	position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_domain_by_account
	ON customer_domain (account, position, domain);

-- Replaced in version 2, before anything was written into it.
CREATE TABLE customer_recipient (
	account TEXT NOT NULL,
	recipient TEXT NOT NULL,
	known INTEGER NOT NULL,
	learnt_at INTEGER NOT NULL,
	PRIMARY KEY (account, recipient)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
	name TEXT PRIMARY KEY NOT NULL,
	up INTEGER NOT NULL,
	disabled INTEGER NOT NULL,
	reason TEXT NOT NULL,
	interface TEXT NOT NULL,
	address TEXT NOT NULL,
	boot TEXT NOT NULL,
	since INTEGER NOT NULL,
	verified INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a link has used in a session, day or month, and what was allowed extra.
CREATE TABLE budget (
	link TEXT NOT NULL,
	period TEXT NOT NULL,
	starts_at INTEGER NOT NULL,
	seconds INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	cost REAL NOT NULL,
	extra_seconds INTEGER NOT NULL,
	extra_bytes INTEGER NOT NULL,
	extra_cost REAL NOT NULL,
	PRIMARY KEY (link, period, starts_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
	id INTEGER PRIMARY KEY,
	link TEXT NOT NULL,
	started INTEGER NOT NULL,
	peer TEXT NOT NULL,
	ended INTEGER NOT NULL,
	bytes_sent INTEGER NOT NULL,
	bytes_received INTEGER NOT NULL,
	messages_sent INTEGER NOT NULL,
	messages_received INTEGER NOT NULL,
	turnarounds INTEGER NOT NULL,
	cost REAL NOT NULL,
	estimate_s INTEGER NOT NULL,
	result TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_link ON session (link, id);

CREATE TABLE peer (
	name TEXT PRIMARY KEY NOT NULL,
	address TEXT NOT NULL,
	keywords TEXT NOT NULL,
	fingerprint BLOB NOT NULL,
	has_fingerprint INTEGER NOT NULL,
	last_success INTEGER NOT NULL,
	last_result TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tls_ticket (
	id INTEGER PRIMARY KEY,
	peer TEXT NOT NULL,
	policy TEXT NOT NULL,
	ticket BLOB NOT NULL
) STRICT;
CREATE INDEX tls_ticket_by_peer ON tls_ticket (peer, id);

-- Small named values: last-id, last-time, ticket keys, route generation.
CREATE TABLE meta (
	key TEXT PRIMARY KEY NOT NULL,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	message INTEGER NOT NULL,
	n INTEGER NOT NULL,
	session INTEGER NOT NULL,
	level INTEGER NOT NULL,
	event TEXT NOT NULL,
	link TEXT NOT NULL,
	peer TEXT NOT NULL,
	text TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_message ON event (message, id) WHERE message <> 0;
CREATE INDEX event_by_session ON event (session, id) WHERE session <> 0;
