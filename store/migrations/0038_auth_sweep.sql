-- Devices and invitations that are of no more use are found by their time and go.
CREATE INDEX auth_device_seen ON auth_device (last_seen_at);
CREATE INDEX auth_invitation_ended ON auth_invitation (ended_at) WHERE ended_at IS NOT NULL;
