-- Saved plans: JSON, deflated (RFC 1951).
CREATE TABLE plans (
    id        TEXT   PRIMARY KEY,
    playbook  TEXT   NOT NULL,
    inventory TEXT   NOT NULL,
    created   TEXT   NOT NULL,
    size      BIGINT NOT NULL,
    content   BLOB   NOT NULL
);

-- Values that a playbook gives out. host is empty for one of the whole run; value is JSON.
CREATE TABLE outputs (
    inventory TEXT NOT NULL,
    playbook  TEXT NOT NULL,
    host      TEXT NOT NULL,
    name      TEXT NOT NULL,
    value     TEXT NOT NULL,
    run       TEXT NOT NULL,
    PRIMARY KEY (inventory, playbook, host, name)
);
