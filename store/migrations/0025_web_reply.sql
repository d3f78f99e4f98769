-- Answers to requests that came with an Idempotency-Key, so that whoever repeats one,
-- because its answer was lost, gets that answer and nothing is done twice. A row is
-- made in the transaction of what the request changes.
CREATE TABLE web_reply (
  id BLOB NOT NULL PRIMARY KEY,         -- SHA-256 of who asked, the route and the key
  fingerprint BLOB NOT NULL,            -- SHA-256 of the whole request
  request_id TEXT NOT NULL,
  status INTEGER,                       -- NULL: it is being worked on, or its answer was lost
  reply BLOB,                           -- sealed JSON: headers and body; answers may hold secrets
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX web_reply_created ON web_reply (created_at);
