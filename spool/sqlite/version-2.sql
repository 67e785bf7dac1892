-- What version 2 adds to version 1 (schema.sql). A new spool is made of both.

ALTER TABLE message ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
-- who authenticated is a user of ours
UPDATE message SET vouched = 1 WHERE account <> '';

-- Version 1 had this table for later and wrote nothing into it.
DROP TABLE customer_recipient;

-- Kept back from a customer, which does not know it yet.
CREATE INDEX delivery_by_untold ON delivery (route, message, n)
	WHERE warned_at = 0 AND reason <> 0 AND state <> 5 AND domain <> '';

-- The list of a customer; lower case.
CREATE TABLE customer_recipient (
	account TEXT NOT NULL,
	recipient TEXT NOT NULL,
	PRIMARY KEY (account, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_recipient_by_address
	ON customer_recipient (recipient, account);

-- What a customer's own host said of a recipient; place grows with each new
-- one, so that the oldest can make room.
CREATE TABLE customer_learnt (
	account TEXT NOT NULL,
	recipient TEXT NOT NULL,
	place INTEGER NOT NULL,
	known INTEGER NOT NULL,
	learnt_at INTEGER NOT NULL,
	PRIMARY KEY (account, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_learnt_by_place
	ON customer_learnt (account, place, recipient);
CREATE INDEX customer_learnt_by_age
	ON customer_learnt (learnt_at, account, recipient);

-- Of each customer and month (its first second, UTC), by enum spool_tally.
CREATE TABLE tally (
	account TEXT NOT NULL,
	month INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	deliveries INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (account, month, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_by_customer ON session (peer, ended, id)
	WHERE link = '';

-- What waits for customers, by sender (lower case), in every state but
-- deleted (5); no row where nothing does.
CREATE TABLE sender_counter (
	route TEXT NOT NULL,
	sender TEXT NOT NULL,
	deliveries INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (route, sender)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sender_added AFTER INSERT ON delivery
WHEN new.state <> 5 AND substr(new.route, 1, 9) = 'customer:'
BEGIN
	INSERT INTO sender_counter
		VALUES (new.route, lower(new.sender), 1, new.size)
		ON CONFLICT DO UPDATE SET
		deliveries = deliveries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER sender_gone AFTER DELETE ON delivery
WHEN old.state <> 5 AND substr(old.route, 1, 9) = 'customer:'
BEGIN
	UPDATE sender_counter SET deliveries = deliveries - 1,
		bytes = bytes - old.size
		WHERE route = old.route AND sender = lower(old.sender);
	DELETE FROM sender_counter
		WHERE route = old.route AND sender = lower(old.sender)
		AND deliveries = 0;
END;
-- In two halves. Most changes of state are none here.
CREATE TRIGGER sender_left AFTER UPDATE OF route, state, size, sender
ON delivery
WHEN old.state <> 5 AND substr(old.route, 1, 9) = 'customer:'
	AND (new.state = 5 OR new.route <> old.route OR new.size <> old.size
		OR new.sender <> old.sender)
BEGIN
	UPDATE sender_counter SET deliveries = deliveries - 1,
		bytes = bytes - old.size
		WHERE route = old.route AND sender = lower(old.sender);
	DELETE FROM sender_counter
		WHERE route = old.route AND sender = lower(old.sender)
		AND deliveries = 0;
END;
CREATE TRIGGER sender_came AFTER UPDATE OF route, state, size, sender
ON delivery
WHEN new.state <> 5 AND substr(new.route, 1, 9) = 'customer:'
	AND (old.state = 5 OR new.route <> old.route OR new.size <> old.size
		OR new.sender <> old.sender)
BEGIN
	INSERT INTO sender_counter
		VALUES (new.route, lower(new.sender), 1, new.size)
		ON CONFLICT DO UPDATE SET
		deliveries = deliveries + 1, bytes = bytes + new.size;
END;
INSERT INTO sender_counter
	SELECT route, lower(sender), count(*), sum(size) FROM delivery
	WHERE state <> 5 AND substr(route, 1, 9) = 'customer:'
	GROUP BY route, lower(sender);

-- The only SQL that others may rely on (docs/spool.md): for the maps of a
-- front beside this node.
CREATE VIEW customer_domains (domain, customer, suspended, listed) AS
	SELECT d.domain, d.account, a.suspended, a.recipients = 1
	FROM customer_domain d JOIN account a ON a.name = d.account;
CREATE VIEW customer_recipients (address, customer) AS
	SELECT r.recipient, r.account
	FROM customer_recipient r JOIN account a ON a.name = r.account
	WHERE a.recipients = 1;
