-- What version 6 adds to version 5: what the clock does to a delivery.

-- when it came, by a clock that goes on evenly when the wall clock is set
ALTER TABLE delivery ADD COLUMN steady_at INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET steady_at = queued_at;
-- DELIVERBY, by the same clock: when it returns, when its sender is told
ALTER TABLE delivery ADD COLUMN return_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN tell_at INTEGER NOT NULL DEFAULT 0;
-- FUTURERELEASE: held until then, by the wall clock (1) or the other one
ALTER TABLE delivery ADD COLUMN release_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN release_wall INTEGER NOT NULL DEFAULT 0;

CREATE INDEX delivery_by_return ON delivery (return_at, message, n)
	WHERE return_at > 0 AND state <> 2 AND state <> 5;
CREATE INDEX delivery_by_tell ON delivery (tell_at, message, n)
	WHERE tell_at > 0 AND state <> 2 AND state <> 5;
CREATE INDEX delivery_by_release ON delivery (release_wall, release_at,
	message, n)
	WHERE release_at > 0 AND state = 4 AND reason = 10;
