-- What a file (seaworthy.yml) has the say over: the console warns there, because the file
-- undoes what is changed by hand when it is applied again.
CREATE TABLE apply_section (
  name TEXT NOT NULL PRIMARY KEY,       -- plans, flags, access ...
  hash TEXT NOT NULL,                   -- SHA-256 of the file that was applied last, in hexadecimal
  source TEXT NOT NULL,                 -- start, or hand: the command line or the API
  applied_by TEXT NOT NULL,             -- type:id, as the audit log writes it
  applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE apply_item (
  section TEXT NOT NULL REFERENCES apply_section (name) ON DELETE CASCADE,
  name TEXT NOT NULL,                   -- key of the plan, flag ...; '' where the whole section is one thing
  PRIMARY KEY (section, name)
) STRICT;
