-- Facts about this database itself: the replica's epoch, the last write probe.
CREATE TABLE store_meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
