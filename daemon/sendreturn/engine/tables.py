"""The journal's tables, for SQLite today and PostgreSQL in a studio."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 2

metadata = MetaData()

about = Table(
    "about",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("created_at", String(40), nullable=False),
    Column("session", Text, nullable=False),
    Column("clip", Text),
    Column("found_at", Text),
    Column("operation", String(40), nullable=False),
    Column("service", String(40), nullable=False),
    Column("params", JSON, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("wish_key", Text, unique=True),
    Column("state", String(24), nullable=False, index=True),
    Column("text", Text, nullable=False, default=""),
    Column("fingerprint", String(64), index=True),
    Column("approved", Boolean, nullable=False, default=False),
    Column("cancel_asked", Boolean, nullable=False, default=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("cost_credits", Float),
)

sends_by_time = Index("sends_by_time", sends.c.created_at)

stages = Table(
    "stages",
    metadata,
    Column("send_id", String(8), ForeignKey("sends.id"), primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("output", JSON, nullable=False),
    Column("finished_at", String(40), nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("send_id", String(8), ForeignKey("sends.id"), nullable=False, index=True),
    Column("call", String(40), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("service", String(40), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("credits", Float, nullable=False),
    Column("made_at", String(40), nullable=False, index=True),
    Column("fate", String(16), nullable=False),
    Column("task_id", Text),
    Column("report", JSON),
    Column("answered_at", String(40)),
    Index("one_intent_per_attempt", "send_id", "call", "attempt", unique=True),
)

tries = Table(
    "tries",
    metadata,
    Column("send_id", String(8), ForeignKey("sends.id"), primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""How often a stage was begun and neither ended nor failed, because the process died over it."""

history = Table(
    "history",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("send_id", String(8), ForeignKey("sends.id"), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("state", String(24), nullable=False),
    Column("note", Text, nullable=False),
)
