-- Who wrote what into the guest book. The name is as it was then: a book is not rewritten.
CREATE TABLE guestbook_entry (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
