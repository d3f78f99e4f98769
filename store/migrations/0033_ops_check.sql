-- The launch checklist: what a job found outside of this process or machine, and what
-- people decided not to need.
CREATE TABLE ops_check (
  key TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,                  -- done warn todo unknown not_applicable
  detail TEXT NOT NULL,                 -- what was found, for people
  about TEXT NOT NULL,                  -- what was looked at: a finding about another domain or address does not count
  looked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ops_dismissal (
  key TEXT NOT NULL PRIMARY KEY,
  why TEXT NOT NULL,                    -- '' for no reason given
  made_by TEXT NOT NULL,                -- type:id, as the audit log writes it
  made_at INTEGER NOT NULL
) STRICT;
