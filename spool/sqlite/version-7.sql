-- What version 7 adds to version 6: who a session of a link carried mail for.

CREATE TABLE session_share (
	session INTEGER NOT NULL,
	who TEXT NOT NULL,
	messages INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (session, who)
) STRICT, WITHOUT ROWID;
