-- What dresses every mail, set in the console; without a row the configuration does.
CREATE TABLE email_brand (
  id TEXT NOT NULL PRIMARY KEY CHECK (id = 'brand'),
  version INTEGER NOT NULL,             -- raised by every change
  name TEXT NOT NULL,                   -- of the product; '': as configured
  accent TEXT NOT NULL,                 -- #rrggbb; '': the deep blue
  address TEXT NOT NULL,                -- postal, in lines
  support TEXT NOT NULL,                -- mail address that answers
  website TEXT NOT NULL,                -- '': as configured
  logo TEXT NOT NULL,                   -- email_logo.hash; '': none
  changed_at INTEGER NOT NULL
) STRICT;

-- Images, kept when another takes their place: mails that were sent show them.
CREATE TABLE email_logo (
  hash TEXT NOT NULL PRIMARY KEY,       -- SHA-256 of body, hex
  kind TEXT NOT NULL,                   -- image/png, image/jpeg, image/gif
  width INTEGER NOT NULL,               -- pixels
  height INTEGER NOT NULL,
  body BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- The customer's own templates, and their words for ours ('auth/verify').
CREATE TABLE email_template (
  name TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,             -- the one in use
  archived_at INTEGER,                  -- NULL: in use; ours counts again for one of ours
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE email_template_version (
  name TEXT NOT NULL REFERENCES email_template (name),
  version INTEGER NOT NULL,
  source TEXT NOT NULL,                 -- head and blocks
  variables TEXT NOT NULL,              -- JSON: declared variables
  sample TEXT NOT NULL,                 -- JSON: a value for each
  created_at INTEGER NOT NULL,
  created_by TEXT,                      -- user or key, type:id; NULL: the program
  PRIMARY KEY (name, version)
) STRICT;
