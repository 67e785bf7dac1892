-- What version 8 adds to version 7: who came to a message by an alias or a list.

-- what RCPT named, where an alias or list led to the recipient
ALTER TABLE delivery ADD COLUMN alias TEXT NOT NULL DEFAULT '';
-- whom a list names as the sender; '' that of the message
ALTER TABLE delivery ADD COLUMN list_owner TEXT NOT NULL DEFAULT '';
