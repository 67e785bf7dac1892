-- What version 3 adds to version 2: calls of links.

-- the line may be open: hung up at the next start
ALTER TABLE link ADD COLUMN dialed INTEGER NOT NULL DEFAULT 0;
-- no automatic calls
ALTER TABLE link ADD COLUMN stuck INTEGER NOT NULL DEFAULT 0;
-- when the last call began; 0: never
ALTER TABLE link ADD COLUMN called_at INTEGER NOT NULL DEFAULT 0;
