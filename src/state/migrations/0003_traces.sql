-- Contents by the SHA-256 of their bytes, deflated (RFC 1951); content is NULL where they are larger than is kept.
-- Times are milliseconds since 1970 by the clock of the database.
CREATE TABLE blobs (
    digest  TEXT   PRIMARY KEY,
    size    BIGINT NOT NULL,
    stored  BIGINT NOT NULL,
    content BLOB
);

-- The reads that a playbook made on a host in its last run.
CREATE TABLE traces (
    playbook TEXT NOT NULL,
    host     TEXT NOT NULL,
    digest   TEXT NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (playbook, host)
);
CREATE INDEX traces_by_digest ON traces (digest);

-- The newest trace of any host of a group.
CREATE TABLE group_traces (
    playbook   TEXT NOT NULL,
    host_group TEXT NOT NULL,
    digest     TEXT NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (playbook, host_group)
);
