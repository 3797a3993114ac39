-- Old runs and checks are forgotten; without these, each of them would be looked for in whole tables.

CREATE INDEX ON runs (created_at);
CREATE INDEX ON job_logins (run_id);
CREATE INDEX ON checks (run_id);
CREATE INDEX ON checks (updated_at);
