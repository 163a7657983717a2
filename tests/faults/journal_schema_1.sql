-- A journal as version 1 of its tables had it: one send whose task the service has accepted, and one whose request was
-- going out when the process ended. {session} is the folder of the session.
CREATE TABLE about (
	name VARCHAR(40) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE sends (
	id VARCHAR(8) NOT NULL,
	created_at VARCHAR(40) NOT NULL,
	session TEXT NOT NULL,
	clip TEXT,
	found_at TEXT,
	operation VARCHAR(40) NOT NULL,
	service VARCHAR(40) NOT NULL,
	params JSON NOT NULL,
	origin VARCHAR(16) NOT NULL,
	wish_key TEXT,
	state VARCHAR(24) NOT NULL,
	text TEXT NOT NULL,
	fingerprint VARCHAR(64),
	approved BOOLEAN NOT NULL,
	cancel_asked BOOLEAN NOT NULL,
	attempt INTEGER NOT NULL,
	cost_credits FLOAT,
	PRIMARY KEY (id),
	UNIQUE (wish_key)
);
CREATE INDEX ix_sends_fingerprint ON sends (fingerprint);
CREATE INDEX ix_sends_state ON sends (state);
CREATE TABLE history (
	number INTEGER NOT NULL,
	send_id VARCHAR(8) NOT NULL,
	at VARCHAR(40) NOT NULL,
	state VARCHAR(24) NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (number),
	FOREIGN KEY(send_id) REFERENCES sends (id)
);
CREATE INDEX ix_history_send_id ON history (send_id);
CREATE TABLE intents (
	id INTEGER NOT NULL,
	send_id VARCHAR(8) NOT NULL,
	call VARCHAR(40) NOT NULL,
	attempt INTEGER NOT NULL,
	service VARCHAR(40) NOT NULL,
	fields JSON NOT NULL,
	credits FLOAT NOT NULL,
	made_at VARCHAR(40) NOT NULL,
	fate VARCHAR(16) NOT NULL,
	task_id TEXT,
	report JSON,
	answered_at VARCHAR(40),
	PRIMARY KEY (id),
	FOREIGN KEY(send_id) REFERENCES sends (id)
);
CREATE INDEX ix_intents_send_id ON intents (send_id);
CREATE INDEX ix_intents_made_at ON intents (made_at);
CREATE UNIQUE INDEX one_intent_per_attempt ON intents (send_id, call, attempt);
CREATE TABLE stages (
	send_id VARCHAR(8) NOT NULL,
	stage VARCHAR(40) NOT NULL,
	output JSON NOT NULL,
	finished_at VARCHAR(40) NOT NULL,
	PRIMARY KEY (send_id, stage),
	FOREIGN KEY(send_id) REFERENCES sends (id)
);
INSERT INTO about VALUES ('schema', '1');
INSERT INTO sends (id, created_at, session, clip, found_at, operation, service, params, origin, wish_key, state, text,
    approved, cancel_asked, attempt) VALUES
    ('0000aaaa', '2026-01-01T00:00:00.000+00:00', '{session}', '{session}/riff.wav', '{session}/riff.wav', 'cover',
    'studio', '{}', 'folder', 'k1', 'generating', '', 0, 0, 1),
    ('0000bbbb', '2026-01-01T00:00:01.000+00:00', '{session}', '{session}/riff.wav', '{session}/riff.wav', 'cover',
    'studio', '{"style": "jazz"}', 'folder', 'k2', 'submitting', '', 0, 0, 1);
INSERT INTO intents (send_id, call, attempt, service, fields, credits, made_at, fate, task_id) VALUES
    ('0000aaaa', 'main', 1, 'studio', '{}', 10.0, '2026-01-01T00:00:02.000+00:00', 'accepted', 'task-1'),
    ('0000bbbb', 'main', 1, 'studio', '{"style": "jazz"}', 10.0, '2026-01-01T00:00:03.000+00:00', 'intended', NULL);
INSERT INTO history (send_id, at, state, note) VALUES
    ('0000aaaa', '2026-01-01T00:00:00.000+00:00', 'queued', 'came by folder'),
    ('0000aaaa', '2026-01-01T00:00:02.000+00:00', 'generating', ''),
    ('0000bbbb', '2026-01-01T00:00:01.000+00:00', 'queued', 'came by folder'),
    ('0000bbbb', '2026-01-01T00:00:03.000+00:00', 'submitting', '');
