-- The state of Coppice. Runs with search_path = coppice; procrastinate's tables live beside these.

-- A known text encrypted with the oldest key in use: a start with a wrong key stops here.
CREATE TABLE canary (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    ciphertext bytea NOT NULL
);

CREATE TABLE instances (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('provisioned', 'linked')),
    admin_host text NOT NULL,
    admin_port integer NOT NULL,
    admin_sslmode text NOT NULL,
    admin_user text NOT NULL,
    admin_password bytea NOT NULL, -- encrypted
    maintenance_database text NOT NULL DEFAULT 'postgres',
    public_host text NOT NULL,
    public_port integer NOT NULL,
    public_sslmode text NOT NULL,
    ca_certificate text,
    pooler_host text,
    pooler_port integer,
    pooler_knows_job_logins boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE repositories (
    id bigint PRIMARY KEY, -- GitHub's repository_id: names are never identity
    owner_id bigint NOT NULL,
    full_name text NOT NULL,
    default_branch text NOT NULL,
    is_private boolean NOT NULL,
    is_archived boolean NOT NULL DEFAULT false,
    installation_id bigint,
    installation_state text NOT NULL CHECK (installation_state IN ('active', 'suspended', 'removed')),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON repositories (installation_id);

-- Open pull requests as last heard of: a push needs to know whether anyone looks at its branch.
CREATE TABLE pull_requests (
    repository_id bigint NOT NULL REFERENCES repositories ON DELETE CASCADE,
    number bigint NOT NULL,
    head_repository_id bigint,
    head_branch text NOT NULL,
    head_sha text NOT NULL,
    is_open boolean NOT NULL,
    PRIMARY KEY (repository_id, number)
);
CREATE INDEX ON pull_requests (repository_id, head_branch) WHERE is_open;

CREATE TABLE apps (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{2,16}$'),
    repository_id bigint NOT NULL REFERENCES repositories,
    has_bare_checks boolean NOT NULL,
    branches_seen_at timestamptz, -- when the branches that were there before it became dormant
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ON apps (repository_id) WHERE has_bare_checks;

CREATE TABLE assignments (
    app_id text PRIMARY KEY REFERENCES apps,
    instance_id bigint NOT NULL REFERENCES instances,
    migration_command text NOT NULL,
    policies jsonb NOT NULL, -- the fields of app.core.assignments.Policies
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE databases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id text NOT NULL REFERENCES apps,
    instance_id bigint NOT NULL REFERENCES instances,
    environment text NOT NULL
        CHECK (environment IN ('production', 'branch', 'preview', 'dev', 'dev-shadow')),
    branch text CHECK ((environment = 'branch') = (branch IS NOT NULL)),
    name text NOT NULL CHECK (octet_length(name) <= 63),
    owner_role text NOT NULL CHECK (octet_length(owner_role) <= 63),
    login_role text NOT NULL CHECK (octet_length(login_role) <= 63),
    marker text NOT NULL UNIQUE,
    password bytea, -- encrypted; of the long-lived login
    accelerate_url bytea, -- encrypted; a Prisma Accelerate key belongs to one database
    state text NOT NULL CHECK (state IN ('creating', 'ready', 'error', 'deleted', 'gone')),
    reason text,
    generation integer NOT NULL DEFAULT 1,
    is_emptying boolean NOT NULL DEFAULT false,
    migrated_sha text,
    migrated_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    ready_at timestamptz,
    drop_after timestamptz,
    missing_since timestamptz,
    is_live boolean NOT NULL DEFAULT true,
    is_deleted_by_hand boolean NOT NULL DEFAULT false
);
-- At most one live database for each environment and branch, and one row for each name on a server.
CREATE UNIQUE INDEX ON databases (app_id, environment, coalesce(branch, '')) WHERE is_live;
CREATE UNIQUE INDEX ON databases (instance_id, name) WHERE state <> 'gone';
CREATE INDEX ON databases (app_id);

-- Branches that were there before their app was assigned, or whose database a person deleted: they
-- get one at their next push or run, not by a reconcile.
CREATE TABLE dormant_branches (
    app_id text NOT NULL REFERENCES apps,
    branch text NOT NULL,
    PRIMARY KEY (app_id, branch)
);

CREATE TABLE runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id text NOT NULL REFERENCES apps,
    repository_id bigint NOT NULL,
    workflow_run_id bigint NOT NULL,
    workflow_attempt integer NOT NULL,
    workflow_job_id bigint,
    job_name text NOT NULL,
    idempotency_key text NOT NULL, -- one per step of the Action: a repeated request finds its run
    event text NOT NULL,
    head_sha text NOT NULL,
    branch text,
    environments text[] NOT NULL,
    primary_environment text NOT NULL,
    migrates boolean NOT NULL,
    credentials text NOT NULL CHECK (credentials IN ('job', 'runtime')),
    export_env boolean NOT NULL,
    credentials_minutes integer NOT NULL,
    timeout_minutes integer NOT NULL,
    command text NOT NULL,
    seed_command text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workflow_run_id, workflow_attempt, idempotency_key)
);
CREATE INDEX ON runs (repository_id, head_sha);
CREATE INDEX ON runs (app_id, id);

CREATE TABLE migrations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
    database_id bigint NOT NULL REFERENCES databases,
    environment text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    result text CHECK (result IN ('success', 'failure', 'timed-out', 'superseded', 'skipped')),
    exit_code integer,
    duration_seconds double precision,
    log_tail text NOT NULL DEFAULT '',
    rebuilt boolean NOT NULL DEFAULT false,
    generation integer NOT NULL, -- of the database when it started: tells whether a rebuild is over
    seed_result text CHECK (seed_result IN ('success', 'failure', 'timed-out')), -- NULL: not seeded
    seed_exit_code integer,
    seed_duration_seconds double precision,
    seed_log_tail text,
    UNIQUE (run_id, environment, rebuilt)
);
CREATE INDEX ON migrations (database_id);

-- Whether a database has its seed. Of one generation: a fresh start is seeded again.
CREATE TABLE seeds (
    database_id bigint PRIMARY KEY REFERENCES databases ON DELETE CASCADE,
    generation integer NOT NULL,
    is_owed boolean NOT NULL, -- the last try failed, or a person asked for it
    seeded_at timestamptz
);

-- One migration at a time for each database; ends by itself when the runner dies.
CREATE TABLE leases (
    database_id bigint PRIMARY KEY REFERENCES databases,
    migration_id bigint NOT NULL REFERENCES migrations ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

CREATE TABLE job_logins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES runs ON DELETE CASCADE,
    database_id bigint NOT NULL REFERENCES databases,
    role text NOT NULL UNIQUE,
    password bytea NOT NULL, -- encrypted; a repeated request gets the same answer
    valid_until timestamptz NOT NULL,
    outlives_run boolean NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX ON job_logins (run_id, database_id) WHERE ended_at IS NULL;
CREATE INDEX ON job_logins (valid_until) WHERE ended_at IS NULL;

-- What should stand on a commit. `wanted` counts changes, `posted` is the change GitHub shows.
CREATE TABLE checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id text REFERENCES apps,
    repository_id bigint NOT NULL,
    head_sha text NOT NULL,
    name text NOT NULL,
    content jsonb NOT NULL,
    github_id bigint,
    database_id bigint REFERENCES databases, -- what its Fix button means
    run_id bigint REFERENCES runs ON DELETE SET NULL, -- what its Re-run means
    wanted integer NOT NULL DEFAULT 1,
    posted integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repository_id, head_sha, name)
);

-- Writes to GitHub of the last hour, for the budget of each installation.
CREATE TABLE github_writes (
    installation_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('check', 'comment')),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON github_writes (installation_id, kind, at);

-- Of waiting jobs one of each kind and lock is enough; procrastinate's own indexes lack this one.
CREATE INDEX ON procrastinate_jobs (lock) WHERE status = 'todo';

CREATE TABLE deliveries (
    guid text PRIMARY KEY,
    event text NOT NULL,
    action text,
    repository_id bigint,
    outcome text NOT NULL CHECK (outcome IN ('queued', 'nothing', 'ignored')),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON deliveries (received_at);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL, -- `operator`, `github:login`, `job:owner/repo run 17`
    action text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '' -- an address, `command line`, or nothing for a job or comment
);
