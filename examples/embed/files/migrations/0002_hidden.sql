-- Moderators hide entries; they stay in the table.
ALTER TABLE guestbook_entry ADD COLUMN hidden_at INTEGER;
