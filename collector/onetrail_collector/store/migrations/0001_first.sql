-- Integer keys inside, text ids outside. Times are milliseconds since 1970 (UTC).

CREATE TABLE sources (
    id         INTEGER PRIMARY KEY,
    public_id  TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    origins    TEXT    NOT NULL DEFAULT '[]',  -- JSON list; empty: any origin
    enabled    INTEGER NOT NULL DEFAULT 1,
    created_ms INTEGER NOT NULL
);

-- The secret itself is never stored.
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    sha256     BLOB    NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);

-- One row for each profile ID that was issued; the smaller its number, the older it is.
-- `profile` is the number of the oldest profile ID of the same person: what identity resolution says.
CREATE TABLE profile_ids (
    id        INTEGER PRIMARY KEY,
    public_id TEXT    NOT NULL UNIQUE,
    source    INTEGER NOT NULL REFERENCES sources (id),
    issued_ms INTEGER NOT NULL,
    profile   INTEGER NOT NULL REFERENCES profile_ids (id)
);
CREATE INDEX profile_ids_by_profile ON profile_ids (profile);  -- a profile's page

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    source     INTEGER NOT NULL REFERENCES sources (id),
    public_id  TEXT    NOT NULL,
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    started_ms INTEGER NOT NULL,
    UNIQUE (source, public_id)
);
CREATE INDEX sessions_by_profile_id ON sessions (profile_id);  -- a profile's page

-- What the events of one batch share is stored once.
CREATE TABLE contexts (
    id     INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,  -- hexadecimal
    body   TEXT NOT NULL
);

CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    source      INTEGER NOT NULL REFERENCES sources (id),
    event_id    TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    profile_id  INTEGER NOT NULL REFERENCES profile_ids (id),
    session     INTEGER NOT NULL REFERENCES sessions (id),
    time_ms     INTEGER NOT NULL,  -- corrected: the client's time on the collector's clock
    received_ms INTEGER NOT NULL,
    properties  TEXT    NOT NULL,  -- JSON object, as sent
    context     TEXT,              -- the event's own, JSON object
    context_id  INTEGER REFERENCES contexts (id),
    UNIQUE (source, event_id)      -- a retry is harmless
);
CREATE INDEX events_by_profile_id ON events (profile_id, time_ms);  -- the newest page of a profile's events

CREATE TABLE keys (
    id     INTEGER PRIMARY KEY,
    kind   TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    shared INTEGER NOT NULL DEFAULT 0,  -- seen on more profile IDs than its kind allows: joins nobody
    UNIQUE (kind, value)
);

-- The evidence that a profile ID used a key: the earliest event that says so.
CREATE TABLE links (
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    key        INTEGER NOT NULL REFERENCES keys (id),
    time_ms    INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    source     INTEGER NOT NULL REFERENCES sources (id),
    refused    TEXT,  -- why it joins nobody; NULL where it does
    PRIMARY KEY (profile_id, key)
) WITHOUT ROWID;
CREATE INDEX links_by_key ON links (key);  -- from a key to all that used it

-- A profile ID's newest statement of each trait; a profile's is the newest of those of its IDs.
CREATE TABLE traits (
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    name       TEXT    NOT NULL,
    value      TEXT    NOT NULL,  -- JSON
    time_ms    INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    PRIMARY KEY (profile_id, name)
) WITHOUT ROWID;

-- How often something happened in a step of time, kept in the commit that stores it: pages of
-- counts cost the same however many events there are.
CREATE TABLE counts (
    metric   TEXT    NOT NULL,  -- events, sessions, profile_ids, pages, referrers
    step_ms  INTEGER NOT NULL,  -- a minute, an hour, a day
    start_ms INTEGER NOT NULL,
    source   INTEGER NOT NULL REFERENCES sources (id),
    label    TEXT    NOT NULL,  -- an event's type, a page, a site
    count    INTEGER NOT NULL,
    PRIMARY KEY (metric, step_ms, start_ms, source, label)
) WITHOUT ROWID;

-- People who are signed in at /ui; the secret in their cookie is never stored.
CREATE TABLE sign_ins (
    sha256     BLOB    NOT NULL PRIMARY KEY,
    token      INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- How far those who read behind the way in have come: the number of an event.
CREATE TABLE positions (
    name   TEXT    NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) WITHOUT ROWID;

-- What other protocols' clients call their device, and the profile ID that was issued to it.
-- Where they name no session, the collector keeps the present one and the time of its last event.
CREATE TABLE device_keys (
    source     INTEGER NOT NULL REFERENCES sources (id),
    value      TEXT    NOT NULL,
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    session    INTEGER REFERENCES sessions (id),
    last_ms    INTEGER NOT NULL,
    PRIMARY KEY (source, value)
) WITHOUT ROWID;
