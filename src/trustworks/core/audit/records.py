"""The tables of the audit log. All but `streams` are append-only (see the migration's triggers)."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import BigInt, LargeBinary, UtcDateTime

# One stream for each opened recorder. `logged` is how many of its events are in the Merkle log; `closed`,
# that its last event is among them. Both are the sequencer's notes, and believed by nobody else.
streams = Table(
    "audit_streams",
    metadata,
    Column("stream", String(80), nullable=False),
    Column("role", String(40), nullable=False),
    Column("opened", UtcDateTime, nullable=False),
    Column("logged", BigInt, nullable=False),
    Column("closed", Boolean, nullable=False),
    PrimaryKeyConstraint("stream"),
)

# `body` is the event in canonical JSON, `hash` its leaf hash in the Merkle tree, which the next event of
# the stream carries as `previous`. The primary key keeps a second writer out of a stream.
events = Table(
    "audit_events",
    metadata,
    Column("stream", String(80), nullable=False),
    Column("sequence", BigInt, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("type", String(80), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "sequence"),
    Index(None, "time"),
)

# The order of the Merkle tree's leaves.
log = Table(
    "audit_log",
    metadata,
    Column("position", BigInt, autoincrement=False, nullable=False),
    Column("stream", String(80), nullable=False),
    Column("sequence", BigInt, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("position"),
    UniqueConstraint("stream", "sequence"),
    ForeignKeyConstraint(["stream", "sequence"], ["audit_events.stream", "audit_events.sequence"]),
)

# Full tiles of 256 hashes, each the root of 256^level leaves, and their own root (the layout of C2SP
# tlog-tiles).
tiles = Table(
    "audit_tiles",
    metadata,
    Column("level", Integer, autoincrement=False, nullable=False),
    Column("tile", BigInt, autoincrement=False, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "tile"),
)

# Signed tree heads. The time-stamp token is over SHA-256 of body and signature.
checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("number", BigInt, autoincrement=False, nullable=False),
    Column("size", BigInt, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("spki", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=True),
    Column("time_stamp", LargeBinary, nullable=True),
    PrimaryKeyConstraint("number"),
)
