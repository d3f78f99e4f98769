-- Billing: what a subscription becomes later, when it rests, what is taken off its
-- price, and what owners may do by themselves.
ALTER TABLE billing_subscription ADD COLUMN schedule_id TEXT NOT NULL DEFAULT '';   -- Stripe's schedule; '' for none
ALTER TABLE billing_subscription ADD COLUMN next_price TEXT NOT NULL DEFAULT '';    -- what it changes to; '' for nothing
ALTER TABLE billing_subscription ADD COLUMN next_quantity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE billing_subscription ADD COLUMN next_at INTEGER;                        -- when it does
ALTER TABLE billing_subscription ADD COLUMN pause_from INTEGER;                     -- when a pause begins to count
ALTER TABLE billing_subscription ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;      -- 1: it counts, and access is narrow
ALTER TABLE billing_subscription ADD COLUMN coupon TEXT NOT NULL DEFAULT '';        -- Stripe's coupon; '' for none
ALTER TABLE billing_subscription ADD COLUMN coupon_words TEXT NOT NULL DEFAULT '';  -- what it takes off
ALTER TABLE billing_subscription ADD COLUMN coupon_until INTEGER;                   -- NULL: for good, or for one invoice
CREATE INDEX billing_subscription_pause ON billing_subscription (paused, pause_from, id) WHERE pause_from IS NOT NULL;

ALTER TABLE billing_invoice ADD COLUMN discount INTEGER NOT NULL DEFAULT 0;         -- what was taken off

-- What owners of orgs may do by themselves: one row for each setting that was changed.
CREATE TABLE billing_setting (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL,
  changed_by TEXT NOT NULL,             -- type:id, as the audit log writes it
  changed_at INTEGER NOT NULL
) STRICT;

-- How much of its limits an org uses, as the app tells; members are counted here.
CREATE TABLE billing_usage (
  org_id TEXT NOT NULL,
  name TEXT NOT NULL,                   -- of the limit
  used INTEGER NOT NULL,
  told_at INTEGER NOT NULL,
  PRIMARY KEY (org_id, name)
) STRICT;
