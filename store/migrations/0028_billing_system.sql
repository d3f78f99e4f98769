-- Billing: what Stripe told, a mirror of what Stripe holds, plans as data, and what
-- is to be done about money that does not come (spec/billing.md). Amounts are
-- integers in the currency's minor unit; times are ms UTC.

-- Every event that Stripe sent, once. What it says is only a hint that its
-- customer changed.
CREATE TABLE billing_event (
  id TEXT NOT NULL PRIMARY KEY,         -- Stripe's
  type TEXT NOT NULL,
  object_type TEXT NOT NULL,            -- of what it is about: subscription, invoice
  object_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,            -- '' until it is known
  api_version TEXT NOT NULL,
  source TEXT NOT NULL,                 -- webhook reconciler
  state TEXT NOT NULL,                  -- queued done parked
  note TEXT NOT NULL,                   -- why it is parked
  fetch_no INTEGER NOT NULL,            -- of the fetch that began after it came; 0: none has yet
  job_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,          -- at Stripe
  received_at INTEGER NOT NULL,
  done_at INTEGER
) STRICT;
CREATE INDEX billing_event_customer ON billing_event (customer_id, state, id);
CREATE INDEX billing_event_received ON billing_event (received_at, id);
CREATE INDEX billing_event_state ON billing_event (state, received_at, id);

-- Stripe's customer of an org. An org has one that lives; deleted ones stay.
CREATE TABLE billing_customer (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL,
  currency TEXT NOT NULL,               -- '' until something is charged
  balance INTEGER NOT NULL,             -- below zero is credit
  default_method TEXT NOT NULL,         -- id of a payment method; '' for none
  fetch_begun INTEGER NOT NULL,         -- number of the last fetch that began
  fetch_applied INTEGER NOT NULL,       -- of the newest whose answer was taken; an older one is not taken after it
  fetch_started_at INTEGER,             -- when that one began
  created_at INTEGER NOT NULL,
  deleted_at INTEGER                    -- at Stripe; NULL: it lives
) STRICT;
CREATE UNIQUE INDEX billing_customer_org ON billing_customer (org_id) WHERE deleted_at IS NULL;
CREATE INDEX billing_customer_fetched ON billing_customer (deleted_at, fetch_started_at, id);

CREATE TABLE billing_subscription (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES billing_customer (id),
  org_id TEXT NOT NULL,
  status TEXT NOT NULL,                 -- as Stripe says it
  state TEXT NOT NULL,                  -- what we make of it: none active grace restricted canceled
  currency TEXT NOT NULL,
  plan TEXT NOT NULL,                   -- that its prices last belonged to; '' for none
  plan_version INTEGER NOT NULL,
  cancel_at_period_end INTEGER NOT NULL,
  cancel_at INTEGER,
  canceled_at INTEGER,
  ended_at INTEGER,
  period_start INTEGER NOT NULL,
  period_end INTEGER NOT NULL,
  trial_end INTEGER,
  pause_behavior TEXT NOT NULL,         -- of pause_collection; '' when payment is collected
  pause_resumes_at INTEGER,
  pending_until INTEGER,                -- a change waits for its payment until then
  latest_invoice TEXT NOT NULL,
  default_method TEXT NOT NULL,
  collection TEXT NOT NULL,             -- charge_automatically send_invoice
  monthly INTEGER NOT NULL,             -- what it brings in a month, without discounts
  started_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX billing_subscription_org ON billing_subscription (org_id, state, id);
CREATE INDEX billing_subscription_customer ON billing_subscription (customer_id, id);
CREATE INDEX billing_subscription_state ON billing_subscription (state, id);
CREATE INDEX billing_subscription_trial ON billing_subscription (trial_end, id) WHERE trial_end IS NOT NULL;

CREATE TABLE billing_item (
  id TEXT NOT NULL PRIMARY KEY,
  subscription_id TEXT NOT NULL REFERENCES billing_subscription (id),
  price_id TEXT NOT NULL,
  product_id TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  unit_amount INTEGER NOT NULL,
  interval TEXT NOT NULL,               -- day week month year
  interval_count INTEGER NOT NULL,
  plan TEXT NOT NULL,                   -- that the price last belonged to; '' for none
  plan_version INTEGER NOT NULL
) STRICT;
CREATE INDEX billing_item_subscription ON billing_item (subscription_id, id);
CREATE INDEX billing_item_price ON billing_item (price_id, id);

CREATE TABLE billing_invoice (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES billing_customer (id),
  org_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,        -- '' for none
  number TEXT NOT NULL,                 -- '' while it is a draft
  status TEXT NOT NULL,                 -- draft open paid uncollectible void
  reason TEXT NOT NULL,                 -- Stripe's billing_reason
  currency TEXT NOT NULL,
  total INTEGER NOT NULL,
  tax INTEGER NOT NULL,
  amount_due INTEGER NOT NULL,
  amount_paid INTEGER NOT NULL,
  amount_remaining INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER,
  action TEXT NOT NULL,                 -- what its payment waits for: requires_action; '' for nothing
  decline TEXT NOT NULL,                -- code of the last decline; '' for none
  hosted_url TEXT NOT NULL,
  pdf_url TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finalized_at INTEGER,
  due_at INTEGER,
  paid_at INTEGER
) STRICT;
CREATE INDEX billing_invoice_org ON billing_invoice (org_id, created_at, id);
CREATE INDEX billing_invoice_customer ON billing_invoice (customer_id, status, created_at);

-- How it is paid: the methods that a customer or a subscription of his is charged by.
CREATE TABLE billing_method (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES billing_customer (id),
  type TEXT NOT NULL,                   -- card sepa_debit link
  brand TEXT NOT NULL,
  last4 TEXT NOT NULL,
  exp_month INTEGER NOT NULL,           -- 0 for none
  exp_year INTEGER NOT NULL,
  used_by TEXT NOT NULL                 -- customer, or the id of a subscription
) STRICT;
CREATE INDEX billing_method_customer ON billing_method (customer_id, id);

CREATE TABLE billing_refund (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES billing_customer (id),
  org_id TEXT NOT NULL,
  charge_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,             -- '' for none
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX billing_refund_customer ON billing_refund (customer_id, id);

CREATE TABLE billing_dispute (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES billing_customer (id),
  org_id TEXT NOT NULL,
  charge_id TEXT NOT NULL,
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  status TEXT NOT NULL,                 -- as Stripe says it
  open INTEGER NOT NULL,                -- 1: it is not decided
  reason TEXT NOT NULL,
  due_at INTEGER,                       -- until when evidence can be given
  created_at INTEGER NOT NULL,
  closed_at INTEGER
) STRICT;
CREATE INDEX billing_dispute_customer ON billing_dispute (customer_id, open, id);
CREATE INDEX billing_dispute_open ON billing_dispute (open, id);

-- What is sold. A version says what it gives and for which prices; what a
-- subscription gives is what the newest version says that lists its price.
CREATE TABLE billing_plan (
  key TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,                   -- free plan addon
  name TEXT NOT NULL,
  about TEXT NOT NULL,
  rank INTEGER NOT NULL,                -- the higher is the larger plan
  trial_days INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  archived_at INTEGER                   -- it is not sold any more; who has it keeps it
) STRICT;
CREATE INDEX billing_plan_kind ON billing_plan (kind, archived_at, key);

CREATE TABLE billing_plan_version (
  plan TEXT NOT NULL REFERENCES billing_plan (key),
  version INTEGER NOT NULL,
  features TEXT NOT NULL,               -- JSON list
  limits TEXT NOT NULL,                 -- JSON object
  prices TEXT NOT NULL,                 -- JSON list of ids
  comment TEXT NOT NULL,
  made_by TEXT NOT NULL,                -- type:id, as the audit log writes it
  made_at INTEGER NOT NULL,
  PRIMARY KEY (plan, version)
) STRICT;

CREATE TABLE billing_price (
  id TEXT NOT NULL PRIMARY KEY,         -- Stripe's
  plan TEXT NOT NULL REFERENCES billing_plan (key),
  plan_version INTEGER NOT NULL,        -- the newest that lists it
  offered INTEGER NOT NULL,             -- 1: that is the plan's newest, so it can be chosen
  product_id TEXT NOT NULL,             -- '' until it was looked up at Stripe, as all below
  currency TEXT NOT NULL,
  unit_amount INTEGER NOT NULL,
  interval TEXT NOT NULL,
  interval_count INTEGER NOT NULL,
  active INTEGER NOT NULL,
  fault TEXT NOT NULL,                  -- why it could not be looked up
  fetched_at INTEGER
) STRICT;
CREATE INDEX billing_price_plan ON billing_price (plan, id);

-- Money that does not come: one row for each customer who owes, and what is due next.
CREATE TABLE billing_dunning (
  customer_id TEXT NOT NULL PRIMARY KEY REFERENCES billing_customer (id),
  org_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL,             -- the oldest that is open
  subscription_id TEXT NOT NULL,
  state TEXT NOT NULL,                  -- grace restricted canceled
  amount INTEGER NOT NULL,              -- still to be paid, of all open invoices
  currency TEXT NOT NULL,
  hard INTEGER NOT NULL,                -- 1: trying again will not help
  since INTEGER NOT NULL,               -- day 0
  step INTEGER NOT NULL,                -- of the calendar, that comes next
  next_at INTEGER NOT NULL,             -- when it is due
  paused_at INTEGER,                    -- a dispute is open since
  limited_at INTEGER,                   -- when access was narrowed
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX billing_dunning_due ON billing_dunning (next_at, customer_id);
CREATE INDEX billing_dunning_org ON billing_dunning (org_id, customer_id);

-- Each thing that people are told, by what it is about: nothing is told twice.
CREATE TABLE billing_notice (
  key TEXT NOT NULL PRIMARY KEY,        -- dunning:<invoice>:<step>, receipt:<invoice>
  template TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  state TEXT NOT NULL,                  -- queued sent suppressed
  details TEXT NOT NULL,                -- JSON: lines and the like that the tables do not hold
  note TEXT NOT NULL,                   -- why it was suppressed
  made_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX billing_notice_customer ON billing_notice (customer_id, made_at, key);

-- What somebody asked of Stripe. Its id is the idempotency key, so that a call
-- whose answer was lost can be made again.
CREATE TABLE billing_intent (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,                   -- checkout portal change cancel resume pause
  state TEXT NOT NULL,                  -- previewed open done failed expired
  subscription_id TEXT NOT NULL,        -- '' for none
  wish TEXT NOT NULL,                   -- JSON: what was asked
  outcome TEXT NOT NULL,                -- JSON: what Stripe answered
  remote_id TEXT NOT NULL,              -- Stripe's id of the session; '' for none
  fault TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX billing_intent_checkout ON billing_intent (org_id) WHERE kind = 'checkout' AND state = 'open';
CREATE INDEX billing_intent_open ON billing_intent (state, expires_at, id);
CREATE INDEX billing_intent_remote ON billing_intent (remote_id, state, id);
CREATE INDEX billing_intent_org ON billing_intent (org_id, id);

-- What a person must look at.
CREATE TABLE billing_alarm (
  key TEXT NOT NULL PRIMARY KEY,        -- kind, and what it is about after a colon
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  org_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  cleared_at INTEGER
) STRICT;
CREATE INDEX billing_alarm_open ON billing_alarm (cleared_at, last_at);

-- What the reconciler found different and mended.
CREATE TABLE billing_drift (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  what TEXT NOT NULL,
  found_at INTEGER NOT NULL
) STRICT;

-- Where the reconciler stands, and the webhook endpoint that we made.
CREATE TABLE billing_mark (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  sealed BLOB,
  changed_at INTEGER NOT NULL
) STRICT;
