-- Runs and what happened in them. Column types are those that SQLite and PostgreSQL share; times are RFC 3339 in UTC,
-- JSON is text, booleans are 0 and 1.

CREATE TABLE runs (
    run         TEXT   PRIMARY KEY,
    mode        TEXT   NOT NULL,
    playbook    TEXT   NOT NULL,
    revision    TEXT,
    dirty       BIGINT NOT NULL,
    inventory   TEXT   NOT NULL,
    arguments   TEXT   NOT NULL,
    who         TEXT   NOT NULL,
    started     TEXT   NOT NULL,
    host_count  BIGINT NOT NULL,
    finished    TEXT,
    exit_code   BIGINT,
    duration_ms BIGINT,
    totals      TEXT
);
CREATE INDEX runs_by_playbook ON runs (playbook, inventory, run);

-- Every selected host has a row from the start; one without a status was never finished.
CREATE TABLE hosts (
    run       TEXT   NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    position  BIGINT NOT NULL,
    host      TEXT   NOT NULL,
    status    TEXT,
    exchanges BIGINT NOT NULL DEFAULT 0,
    error     TEXT,
    PRIMARY KEY (run, host)
);

-- Each text is kept once, under its SHA-256, however many hosts share it.
CREATE TABLE diffs (
    digest  TEXT PRIMARY KEY,
    content TEXT NOT NULL
);

CREATE TABLE operations (
    run         TEXT   NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    host        TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    op          TEXT   NOT NULL,
    target      TEXT   NOT NULL,
    name        TEXT,
    status      TEXT   NOT NULL,
    changes     TEXT   NOT NULL,
    diff        TEXT   REFERENCES diffs (digest),
    reason      TEXT,
    error       TEXT,
    output      TEXT,
    script_at   TEXT   NOT NULL,
    play        TEXT,
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE INDEX operations_by_id ON operations (id, run);

-- The stream of events but for those of finished operations, whose event is the row in operations with the same seq.
CREATE TABLE events (
    run   TEXT   NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    seq   BIGINT NOT NULL,
    event TEXT   NOT NULL,
    PRIMARY KEY (run, seq)
);
