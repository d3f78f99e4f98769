-- Where what a project reports goes as well: '' nowhere, 'sentry' where SENTRY_DSN leads, 'own' to an
-- address of its own, which is sealed; of it only the host is shown.
ALTER TABLE observe_project ADD COLUMN forward TEXT NOT NULL DEFAULT '';
ALTER TABLE observe_project ADD COLUMN forward_dsn BLOB;
ALTER TABLE observe_project ADD COLUMN forward_host TEXT NOT NULL DEFAULT '';
