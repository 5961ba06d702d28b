"""The tables of the demonstration: what plays in this folder, and how far each person's tour is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, json_type, metadata

# One row where a demonstration was begun; a database without it holds real work.
demonstrations = Table(
    "demonstrations",
    metadata,
    Column("demonstration_id", id_type(), primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("per_minute", Integer, nullable=False),  # new work a minute; 0 is none
    Column("faults", json_type(), nullable=False),  # the services that are made to fail
    Column("begun_at", UtcDateTime, nullable=False),
    Column("filled_at", UtcDateTime),  # when the week before was all there
    Column("opened_at", UtcDateTime),  # when the first threads had been started
    Column("beat_at", UtcDateTime),  # the last sign of life of what plays it
)

# One row a person who took the tour.
tours = Table(
    "tours",
    metadata,
    Column("actor", Words(300), primary_key=True),
    Column("status", String(20), nullable=False),
    Column("step", String(40), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("seen", json_type(), nullable=False),  # the steps that were passed
)
