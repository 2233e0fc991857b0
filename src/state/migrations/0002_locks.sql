-- One row a project and inventory, for ever: a token that only grows. Nobody holds the lock while holder is NULL.
-- Times are milliseconds since 1970 by the clock of the database.
CREATE TABLE locks (
    project   TEXT   NOT NULL,
    inventory TEXT   NOT NULL,
    token     BIGINT NOT NULL,
    holder    TEXT,
    host      TEXT,
    machine   TEXT,
    pid       BIGINT,
    born      BIGINT,
    command   TEXT,
    since     TEXT,
    heartbeat BIGINT,
    lease_ms  BIGINT,
    PRIMARY KEY (project, inventory)
);
