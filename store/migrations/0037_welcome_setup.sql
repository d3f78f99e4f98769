-- The accent of the brand in the dark theme of pages; '': made of the accent.
ALTER TABLE email_brand ADD COLUMN accent_dark TEXT NOT NULL DEFAULT '';

-- Steps of the set-up that somebody put off. How far each is follows from the data itself.
CREATE TABLE welcome_skip (
  step TEXT NOT NULL PRIMARY KEY,       -- operator, brand, app, providers, plans, backups; 'all': the whole of it is put away
  skipped_at INTEGER NOT NULL,
  skipped_by TEXT NOT NULL              -- actor
) STRICT;

-- The last address of an app that was tried from the console, and what came of it.
CREATE TABLE proxy_trial (
  id TEXT NOT NULL PRIMARY KEY CHECK (id = 'app'),
  address TEXT NOT NULL,
  job TEXT NOT NULL,                    -- that tries it
  state TEXT NOT NULL,                  -- waiting, answers, silent
  detail TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL             -- 0: not yet
) STRICT;

-- What features and limits of a plan are called on pages, by their key, as JSON; those that
-- are not named are called by their key.
ALTER TABLE billing_plan ADD COLUMN titles TEXT NOT NULL DEFAULT '{}';

-- What came of the last reading of plans from Stripe.
CREATE TABLE billing_import (
  id TEXT NOT NULL PRIMARY KEY CHECK (id = 'plans'),
  state TEXT NOT NULL,                  -- waiting, done, failed
  detail TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL             -- 0: not yet
) STRICT;
