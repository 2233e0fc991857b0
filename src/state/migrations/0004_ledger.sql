-- What a playbook manages on a host of an inventory. existed, prior and prior_content tell what was there before any
-- of our playbooks came; seq counts per host in the order of first sight; settled is 0 between intent and result.
CREATE TABLE resources (
    inventory     TEXT   NOT NULL,
    playbook      TEXT   NOT NULL,
    host          TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    id            TEXT   NOT NULL,
    want          TEXT   NOT NULL,
    script_at     TEXT   NOT NULL,
    revision      TEXT,
    run           TEXT   NOT NULL,
    first_seen    TEXT   NOT NULL,
    last_seen     TEXT   NOT NULL,
    existed       BIGINT NOT NULL,
    prior         TEXT,
    prior_content TEXT   REFERENCES blobs (digest),
    keep          BIGINT NOT NULL,
    settled       BIGINT NOT NULL,
    seq           BIGINT NOT NULL,
    PRIMARY KEY (inventory, playbook, host, kind, id)
);
CREATE INDEX resources_by_host ON resources (inventory, host, seq);
CREATE INDEX resources_by_content ON resources (prior_content);
CREATE INDEX resources_by_id ON resources (inventory, host, kind, id);

-- Handlers that were notified and did not run yet.
CREATE TABLE notifications (
    inventory TEXT NOT NULL,
    playbook  TEXT NOT NULL,
    host      TEXT NOT NULL,
    handler   TEXT NOT NULL,
    run       TEXT NOT NULL,
    since     TEXT NOT NULL,
    PRIMARY KEY (inventory, playbook, host, handler)
);

-- Changes that were begun and of which nobody knows how they ended.
CREATE TABLE intents (
    inventory TEXT NOT NULL,
    host      TEXT NOT NULL,
    id        TEXT NOT NULL,
    playbook  TEXT NOT NULL,
    run       TEXT NOT NULL,
    op        TEXT NOT NULL,
    target    TEXT NOT NULL,
    script_at TEXT NOT NULL,
    begun     TEXT NOT NULL,
    PRIMARY KEY (inventory, host, id)
);
