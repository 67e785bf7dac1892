-- What version 5 adds to version 4: what came in batches (docs/gateways.md).

-- A recipient of a message that was taken; place grows with each new one, so
-- that the oldest can make room.
CREATE TABLE ledger (
	id TEXT NOT NULL PRIMARY KEY,
	place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_place ON ledger (place, id);
