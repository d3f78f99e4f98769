-- What the console's home is made of, so that nothing that grows is counted for it.

-- How many events were recorded in an hour, by action and, under '', all together.
CREATE TABLE audit_hour (
  action TEXT NOT NULL,
  hour INTEGER NOT NULL,                -- unix ms at its start
  events INTEGER NOT NULL,
  PRIMARY KEY (action, hour)
) STRICT;
CREATE INDEX audit_hour_hour ON audit_hour (hour);

-- Up to which event audit_hour counts.
CREATE TABLE audit_tally (
  id INTEGER NOT NULL PRIMARY KEY,      -- 1
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO audit_tally (id, seq) VALUES (1, 0);

-- How many subscriptions there are and what they bring, kept with each change of one.
CREATE TABLE billing_total (
  state TEXT NOT NULL,                  -- of the subscriptions
  currency TEXT NOT NULL,
  n INTEGER NOT NULL,
  monthly INTEGER NOT NULL,             -- minor units, of those that bring something now
  PRIMARY KEY (state, currency)
) STRICT;
INSERT INTO billing_total (state, currency, n, monthly)
  SELECT state, currency, count(*), sum(CASE WHEN status <> 'trialing' AND pause_behavior IN ('', 'keep_as_draft') THEN monthly ELSE 0 END)
  FROM billing_subscription GROUP BY state, currency;

-- The search knows an invoice by its number.
CREATE INDEX billing_invoice_number ON billing_invoice (number) WHERE number <> '';
