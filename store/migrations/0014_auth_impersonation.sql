-- An operator who acts as a user does so in a session of that user's, which hangs
-- off the operator's own: when that one ends, so does the other.
ALTER TABLE auth_session ADD COLUMN own_session_id TEXT REFERENCES auth_session (id);
CREATE INDEX auth_session_own ON auth_session (own_session_id) WHERE own_session_id IS NOT NULL;

-- The console finds people and orgs by how their names begin, and by their state.
CREATE INDEX auth_user_name ON auth_user (lower(name), id);
CREATE INDEX auth_user_status ON auth_user (status, id);
CREATE INDEX auth_email_primary ON auth_email (email_norm, user_id) WHERE is_primary = 1;
CREATE INDEX auth_email_unverified ON auth_email (user_id) WHERE is_primary = 1 AND verified_at IS NULL;
CREATE INDEX auth_org_name ON auth_org (lower(name), id);
CREATE INDEX auth_org_shared ON auth_org (id) WHERE personal_user_id IS NULL;
CREATE INDEX auth_org_deleted ON auth_org (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX auth_role_binding_holder ON auth_role_binding (role_id, org_id, principal_id);
