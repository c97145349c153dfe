-- Integer keys inside, text ids outside. Times are milliseconds since 1970 (UTC).

CREATE TABLE sources (
    id         INTEGER PRIMARY KEY,
    public_id  TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    origins    TEXT    NOT NULL DEFAULT '[]',  -- JSON list; empty: any origin
    enabled    INTEGER NOT NULL DEFAULT 1,
    created_ms INTEGER NOT NULL,
    kind       TEXT    NOT NULL DEFAULT 'web' CHECK (kind IN ('web', 'app', 'server', 'iot')),
    events_per_second INTEGER,                 -- NULL: the limit that the configuration sets
    secret_sha256     BLOB,                    -- where it takes events only with a secret
    signing_secret    TEXT,  -- hexadecimal; kept as it is, because HMAC is computed with it
    require_signature INTEGER NOT NULL DEFAULT 0,
    static_ids        INTEGER NOT NULL DEFAULT 0  -- a profile ID that it makes itself is taken as it is
);

-- The secret itself is never stored.
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    sha256     BLOB    NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    scopes     TEXT    NOT NULL DEFAULT 'read'  -- of read, write and erase, spaces between them
);

-- One row for each profile ID that was issued; the smaller its number, the older it is.
-- `profile` is the number of its profile, the same for all profile IDs of one person: what identity
-- resolution says. It starts as the ID's own and means nothing outside; a profile's public id is that
-- of its oldest profile ID. Whoever asks for the IDs of a profile does it as store/members.py says.
CREATE TABLE profile_ids (
    id        INTEGER PRIMARY KEY,
    public_id TEXT    NOT NULL UNIQUE,
    source    INTEGER NOT NULL REFERENCES sources (id),
    issued_ms INTEGER NOT NULL,
    profile   INTEGER NOT NULL,
    dropped_links INTEGER NOT NULL DEFAULT 0,  -- keys beyond the number that one profile ID may have
    handed_from TEXT  -- where its device changed hands, JSON list: those before, the last first; some may be erased
);
CREATE INDEX profile_ids_by_profile ON profile_ids (profile) WHERE profile <> id;  -- a profile's page

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    source     INTEGER NOT NULL REFERENCES sources (id),
    public_id  TEXT    NOT NULL,
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    started_ms INTEGER NOT NULL,
    client     TEXT,  -- JSON object: what the first request's headers say: browser, place, bot (enrichment.py)
    UNIQUE (source, public_id)
);
CREATE INDEX sessions_by_profile_id ON sessions (profile_id, started_ms);  -- a profile's page

-- What the events of one batch share is stored once.
CREATE TABLE contexts (
    id     INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,  -- hexadecimal
    body   TEXT NOT NULL
);

-- AUTOINCREMENT: a number is never used again, so that whoever follows events by it misses none, also
-- after the newest were deleted.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
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
    skew_ms     INTEGER,           -- received - sent_at: how far the client's clock was behind; NULL: it did not say
    ahead_ms    INTEGER,           -- how far time_ms was in the future before it was clamped; NULL: no time was sent
    UNIQUE (source, event_id)      -- a retry is harmless
);
CREATE INDEX events_by_profile_id ON events (profile_id, time_ms);  -- the newest page of a profile's events

-- AUTOINCREMENT: who has read of a key, as the background does, never takes another's for it.
CREATE TABLE keys (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    inactive TEXT,     -- why it joins nobody: unknown_kind, blocked, key_refused, shared; NULL: it may
    profile  INTEGER,  -- the profile that holds it, by an accepted link; NULL: none
    UNIQUE (kind, value)
);
CREATE INDEX keys_by_profile ON keys (profile, kind) WHERE profile IS NOT NULL;  -- how many a profile holds
CREATE INDEX keys_inactive ON keys (inactive) WHERE inactive IS NOT NULL;        -- a list for people

-- The evidence that a profile ID used a key: the earliest event that says so. Why a link joins nobody is
-- ifnull(keys.inactive, links.refused); so a key that becomes shared touches one row, however many links.
CREATE TABLE links (
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    key        INTEGER NOT NULL REFERENCES keys (id),
    time_ms    INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    source     INTEGER NOT NULL REFERENCES sources (id),
    refused    TEXT,  -- why it joins nobody though its key may: link_refused, apart, exclusive, limit, unsettled
    PRIMARY KEY (profile_id, key)
) WITHOUT ROWID;
CREATE INDEX links_by_key ON links (key);  -- from a key to all that used it
CREATE INDEX links_refused ON links (refused, profile_id) WHERE refused IS NOT NULL;  -- a list for people

-- What a profile ID stated of each trait, each value once with its newest event; the newest few values
-- are kept. A profile's is the newest of those of its IDs; the others have lost, and are shown as such.
CREATE TABLE traits (
    profile_id INTEGER NOT NULL REFERENCES profile_ids (id),
    name       TEXT    NOT NULL,
    value      TEXT    NOT NULL,  -- JSON
    time_ms    INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    said TEXT AS (  -- of a text or a whole number, what a search compares; a NUL would end it early
        CASE WHEN json_valid(value) AND instr(value, '\u0000') = 0 THEN
            CASE WHEN json_type(value) IN ('text', 'integer') THEN lower(value ->> '$') END
        END),
    PRIMARY KEY (profile_id, name, value)
) WITHOUT ROWID;

-- Where a search by what traits say begins: at any of a text's first words, and no longer than tells
-- people apart. Made by these triggers alone, so that whoever changes or erases traits has changed it too.
CREATE TABLE trait_starts (
    start      TEXT    NOT NULL,
    profile_id INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    PRIMARY KEY (start, profile_id, name)
) WITHOUT ROWID;
CREATE TRIGGER traits_can_be_found AFTER INSERT ON traits WHEN NEW.said <> '' BEGIN
    INSERT OR IGNORE INTO trait_starts VALUES (substr(NEW.said, 1, 40), NEW.profile_id, NEW.name);
END;
CREATE TRIGGER traits_can_be_found_by_any_word AFTER INSERT ON traits WHEN instr(NEW.said, ' ') BEGIN
    INSERT OR IGNORE INTO trait_starts (start, profile_id, name)
    SELECT substr(NEW.said, 1 + before, 40), NEW.profile_id, NEW.name FROM (
        SELECT key, value, ifnull(sum(length(value) + 1) OVER (
                   ORDER BY key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM json_each('[' || replace(json_quote(NEW.said), ' ', '","') || ']')  -- cut into words
    ) WHERE key BETWEEN 1 AND 11 AND value <> '';
END;
-- What another value of the same trait says too, from any of its words on, stays until that goes.
CREATE TRIGGER traits_are_found_no_more AFTER DELETE ON traits WHEN OLD.said IS NOT NULL BEGIN
    DELETE FROM trait_starts WHERE start IN (
        SELECT substr(OLD.said, 1 + before, 40) FROM (
            SELECT ifnull(sum(length(value) + 1) OVER (
                       ORDER BY key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM json_each('[' || replace(json_quote(OLD.said), ' ', '","') || ']')
        )
    ) AND profile_id = OLD.profile_id AND name = OLD.name AND NOT EXISTS (
        SELECT 1 FROM traits WHERE traits.profile_id = OLD.profile_id AND traits.name = OLD.name
        AND iif(length(start) < 40, substr(' ' || traits.said, -1 - length(start)) = ' ' || start,
                instr(' ' || traits.said, ' ' || start) > 0)
    );
END;

-- What an operator decided. `what` is join, part (profile_id, other), refuse_link (profile_id, key) or
-- refuse_key (key). One that was undone stays as a record.
CREATE TABLE decisions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made
    act           INTEGER NOT NULL,  -- the first of all that were made at once, as a split's; undone at once
    what          TEXT    NOT NULL,
    profile_id    INTEGER REFERENCES profile_ids (id),
    other         INTEGER REFERENCES profile_ids (id),
    key           INTEGER REFERENCES keys (id),
    reason        TEXT    NOT NULL,
    made_by       TEXT    NOT NULL,
    made_ms       INTEGER NOT NULL,
    undone_reason TEXT,
    undone_by     TEXT,
    undone_ms     INTEGER
);
CREATE INDEX decisions_by_profile_id ON decisions (profile_id);
CREATE INDEX decisions_part ON decisions (profile_id, other) WHERE what = 'part' AND undone_ms IS NULL;
CREATE INDEX decisions_by_other ON decisions (other);
CREATE INDEX decisions_by_key ON decisions (key);
CREATE INDEX decisions_by_act ON decisions (act);

-- What became of profiles, in the order in which it was committed; never changed. Profiles stand in it
-- by the number of their oldest profile ID at that time, and what is said of erased ones is not read
-- again. `what` is
--   merged    `other` is part of `profile` from now on
--   split     `other` is a profile of its own from now on; it was part of `profile`
--   refused   the link of the profile ID `other` to `key` joins nobody, for `reason`
--   accepted  the same link, refused before, joins now
--   exported  all that is stored about `profile` was given to `made_by`; `other` is the same
--   erased    the profile ID `other` is gone; for 30 days, so that who follows the changes erases it as well
-- `cause` is event, decision, undo (of that decision), policy (that another is applied), erasure (of somebody
-- else), export, or background: what an event or a decision left to it because it was too much.
CREATE TABLE history (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,  -- a client of the changes reads on after the last it saw
    time_ms  INTEGER NOT NULL,
    what     TEXT    NOT NULL,
    profile  INTEGER NOT NULL,
    other    INTEGER NOT NULL,
    key      INTEGER,  -- may be gone: erased
    reason   TEXT,
    cause    TEXT    NOT NULL,
    event_id TEXT,     -- of the cause; of a link that is refused or accepted, its evidence
    decision INTEGER,  -- may be gone
    made_by  TEXT,     -- who took an export
    public_id TEXT   -- of an erased profile ID, which profile_ids has forgotten
);
CREATE INDEX history_by_profile ON history (profile);
CREATE INDEX history_by_other ON history (other);
CREATE INDEX history_of_erased ON history (time_ms) WHERE what = 'erased';
CREATE INDEX history_of_profiles ON history (id) WHERE what NOT IN ('refused', 'accepted', 'exported');  -- to follow

-- Profile IDs that must be resolved again in the background, each with all within its reach.
CREATE TABLE unsettled (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    profile_id INTEGER NOT NULL
);
CREATE INDEX unsettled_by_profile_id ON unsettled (profile_id);

-- What identity resolution remembers of itself: the fingerprint of the policy that it last applied, the
-- word in `unsettled` of the large region that it is at, and the lowest number ever of a profile.
CREATE TABLE identity_state (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- How far retention has come with each source: all its events up to this one are gone.
CREATE TABLE retention (
    source INTEGER PRIMARY KEY REFERENCES sources (id),
    event  INTEGER NOT NULL
);

-- How often an entry of a kind's list of blocked values was met. As many rows as the lists are long.
CREATE TABLE blocked_values (
    kind          TEXT    NOT NULL,
    entry         TEXT    NOT NULL,
    count         INTEGER NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    PRIMARY KEY (kind, entry)
) WITHOUT ROWID;

-- One row, from the first key on: the fingerprint of the secret under which keys are hashed, or ''.
CREATE TABLE key_form (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint TEXT NOT NULL
);

-- How often something happened in a step of time, kept in the commit that stores it: pages of
-- counts cost the same however many events there are.
CREATE TABLE counts (
    metric   TEXT    NOT NULL,  -- events, sessions, profile_ids, merges, rejected, pages, referrers
    step_ms  INTEGER NOT NULL,  -- a minute, an hour, a day; 31 days: a month of the calendar, UTC
    start_ms INTEGER NOT NULL,
    source   INTEGER NOT NULL REFERENCES sources (id),
    label    TEXT    NOT NULL,  -- an event's type, an error, a page, a site
    count    INTEGER NOT NULL,
    PRIMARY KEY (metric, step_ms, start_ms, source, label)
) WITHOUT ROWID;

-- People who are signed in at /ui; the secret in their cookie is never stored.
CREATE TABLE sign_ins (
    sha256     BLOB    NOT NULL PRIMARY KEY,
    token      INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- How far those who work behind the way in have come: the number of an event; for the counts of
-- months that are summed up, a time.
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
CREATE INDEX device_keys_by_profile_id ON device_keys (profile_id);  -- erasing a person
CREATE INDEX device_keys_by_session ON device_keys (session) WHERE session IS NOT NULL;
-- A session's number may be given again, to somebody else's: no device goes on in one that is gone.
CREATE TRIGGER device_keys_leave_sessions AFTER DELETE ON sessions BEGIN
    UPDATE device_keys SET session = NULL WHERE session = OLD.id;
END;

-- Events that were refused, as they were sent, until their cause is mended or they are too old. Bounded.
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    source      INTEGER NOT NULL REFERENCES sources (id),
    event_id    TEXT,               -- NULL where it has none
    received_ms INTEGER NOT NULL,
    code        TEXT    NOT NULL,   -- why, as the answer said it
    detail      TEXT    NOT NULL,
    session     TEXT,               -- public ids, as sent
    profile_id  TEXT,
    sent_at_ms  INTEGER,
    context     TEXT,
    event       TEXT    NOT NULL,   -- JSON, or its beginning
    cut         INTEGER NOT NULL DEFAULT 0,  -- only the beginning is kept: it cannot be replayed
    protocol    TEXT    NOT NULL DEFAULT 'track',  -- in which it came: track, segment, posthog, snowplow
    anonymous   INTEGER NOT NULL DEFAULT 0,  -- its sender wanted nothing of it to say who somebody is
    bytes       INTEGER NOT NULL,   -- of event and context
    UNIQUE (source, event_id)
);
CREATE INDEX quarantine_by_source ON quarantine (source, id, bytes);  -- the newest of a source, and its bound

-- Receipts of erased people: how much went, when, by whom; nothing about the person.
CREATE TABLE erasures (
    id          INTEGER PRIMARY KEY,
    public_id   TEXT    NOT NULL UNIQUE,
    made_by     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    begun_ms    INTEGER NOT NULL,
    done_ms     INTEGER,            -- NULL: under way, and goes on at the next start
    profile_ids INTEGER NOT NULL DEFAULT 0,
    sessions    INTEGER NOT NULL DEFAULT 0,
    events      INTEGER NOT NULL DEFAULT 0,
    traits      INTEGER NOT NULL DEFAULT 0,
    links       INTEGER NOT NULL DEFAULT 0,
    keys        INTEGER NOT NULL DEFAULT 0,
    contexts    INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    lifted_ms   INTEGER,            -- from then on they may be stored again
    lifted_by   TEXT,
    last_profile_id INTEGER NOT NULL  -- the highest number in use then: none is ever used again
);

-- What an erasure that is under way still has to remove.
CREATE TABLE erasing (
    profile_id INTEGER PRIMARY KEY REFERENCES profile_ids (id),
    erasure    INTEGER NOT NULL REFERENCES erasures (id)
);
CREATE TABLE erasing_contexts (
    context INTEGER PRIMARY KEY REFERENCES contexts (id),
    erasure INTEGER NOT NULL REFERENCES erasures (id)
);

-- Who may not be stored again: a keyed hash of each profile ID, session and merging key that was erased.
CREATE TABLE suppressed (
    mark    TEXT    PRIMARY KEY,    -- hexadecimal
    erasure INTEGER NOT NULL REFERENCES erasures (id)
) WITHOUT ROWID;
CREATE INDEX suppressed_by_erasure ON suppressed (erasure);  -- lifting one
CREATE TABLE suppression_salt (salt BLOB NOT NULL);          -- one row: the hash's key, of this database alone
INSERT INTO suppression_salt VALUES (randomblob(32));

-- For people with SQL (docs/schema.md): these two keep their columns; new ones come at the end.
CREATE VIEW profile_events AS
SELECT events.id AS number,
       (SELECT public_id FROM profile_ids AS same WHERE same.id = (
            SELECT own.id FROM profile_ids AS own
            WHERE own.id = profile_ids.profile AND own.profile = profile_ids.profile
            UNION ALL
            SELECT own.id FROM profile_ids AS own
            WHERE own.profile = profile_ids.profile AND own.profile <> own.id
            ORDER BY id LIMIT 1)) AS profile,
       profile_ids.public_id AS profile_id,
       sources.public_id AS source,
       sessions.public_id AS session,
       events.event_id,
       events.type,
       strftime('%Y-%m-%dT%H:%M:%fZ', events.time_ms / 1000.0, 'unixepoch') AS time,
       strftime('%Y-%m-%dT%H:%M:%fZ', events.received_ms / 1000.0, 'unixepoch') AS received,
       strftime('%Y-%m-%dT%H:%M:%fZ', (events.received_ms - events.skew_ms) / 1000.0, 'unixepoch') AS sent_at,
       strftime('%Y-%m-%dT%H:%M:%fZ',
                (events.time_ms + events.ahead_ms - ifnull(events.skew_ms, 0)) / 1000.0,
                'unixepoch') AS client_time,
       ifnull(events.ahead_ms, 0) > 0 AS clamped,
       events.properties,
       json_patch(ifnull(contexts.body, '{}'), ifnull(events.context, '{}')) AS context,
       sessions.client
FROM events
JOIN profile_ids ON profile_ids.id = events.profile_id
JOIN sources ON sources.id = events.source
JOIN sessions ON sessions.id = events.session
LEFT JOIN contexts ON contexts.id = events.context_id;

CREATE VIEW sessions_summary AS
SELECT sessions.public_id AS session,
       sources.public_id AS source,
       (SELECT public_id FROM profile_ids AS same WHERE same.id = (
            SELECT own.id FROM profile_ids AS own
            WHERE own.id = profile_ids.profile AND own.profile = profile_ids.profile
            UNION ALL
            SELECT own.id FROM profile_ids AS own
            WHERE own.profile = profile_ids.profile AND own.profile <> own.id
            ORDER BY id LIMIT 1)) AS profile,
       profile_ids.public_id AS profile_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', sessions.started_ms / 1000.0, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', max(events.time_ms) / 1000.0, 'unixepoch') AS last_event,
       (max(events.time_ms) - sessions.started_ms) / 1000.0 AS duration_s,
       count(events.id) AS events,
       count(CASE WHEN events.type = 'page-view' THEN 1 END) AS page_views,
       sessions.client ->> '$.browser.name' AS browser,
       sessions.client ->> '$.os.name' AS os,
       sessions.client ->> '$.device' AS device,
       sessions.client ->> '$.place.country' AS country,
       sessions.client ->> '$.place.city' AS city,
       sessions.client ->> '$.bot' AS bot
FROM sessions
JOIN sources ON sources.id = sessions.source
JOIN profile_ids ON profile_ids.id = sessions.profile_id
LEFT JOIN events ON events.session = sessions.id AND events.profile_id = sessions.profile_id
GROUP BY sessions.id;
