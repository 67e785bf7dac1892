-- What version 4 adds to version 3: which message goes next.

DROP INDEX delivery_by_claim;
DROP INDEX delivery_by_claim_domain;
ALTER TABLE delivery DROP COLUMN urgency;

-- rank: priority with age in it. What is urgent (4 and more) does not age.
-- What waits already gets its numbers here, as sched/order.h would have it
-- then; later ones bring theirs.
ALTER TABLE delivery ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN age INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN size_class INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
-- the only links that may carry it, a line each
ALTER TABLE delivery ADD COLUMN links TEXT NOT NULL DEFAULT '';
UPDATE delivery SET age = max(queued_at, 0) / 14400,
	size_class = (size >= 4096) + (size >= 16384) + (size >= 65536)
		+ (size >= 262144) + (size >= 1048576) + (size >= 8388608);
UPDATE delivery SET rank = 9 - priority
	+ CASE WHEN priority >= 4 THEN 0 ELSE age END;

CREATE INDEX delivery_by_claim ON delivery (route, links, needs, rank,
	size_class, turn, size, message, n)
	WHERE ripe = 1;
CREATE INDEX delivery_by_claim_domain ON delivery (route, domain, needs, rank,
	size_class, turn, size, message, n)
	WHERE ripe = 1 AND domain <> '';
CREATE INDEX delivery_by_turn ON delivery (route, rank, sender, turn, message,
	n)
	WHERE ripe = 1;
