-- Holds the place of a migration of another branch. Never on main.
SELECT 1;
