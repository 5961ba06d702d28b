"""What it costs to encrypt what is kept: runs, reading, and rotating keys; against the same without keys."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import serving
from measuring import Row, take_pairs
from rows import _sift, fill

from interlock.core import ciphers
from interlock.core.bootstrap import build_app
from interlock.core.ciphers import KEYS
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import rotating
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import columns, engine, migrating

RUNS = 200
PAIRS = 5
CARDS = 10_000
LOOKS = 20


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """The ten-node graph, a page of the inbox and a rotation, on both databases."""
    for name, make in (("SQLite", lambda: None), ("PostgreSQL", make_database)):
        yield _throughput(folder / f"{name}-runs", make, name)
        yield from _cards(folder / f"{name}-cards", make(), name)


def _throughput(folder: Path, make: Callable[[], str | None], name: str) -> Row:
    with (
        _keyed(ciphers.make_key()) as variables,
        serving.running(folder / "a", database=make(), variables=variables) as sealed,
    ):
        os.environ.pop(KEYS, None)
        with serving.running(folder / "b", database=make()) as plain:
            pairs = take_pairs(
                lambda: sealed.rate_of_ten(RUNS), lambda: plain.rate_of_ten(RUNS), pairs=PAIRS
            )
    return Row(f"with keys, 10 async nodes, {name}", pairs.describe("runs/s"), "", None)


def _cards(folder: Path, database: str | None, name: str) -> Iterator[Row]:
    app = _build(Settings(data_dir=folder, database=database))
    fill(app, CARDS)
    plain = _look_ms(app)
    first, second = ciphers.make_key(), ciphers.make_key()
    rates = []
    for keys in ((first,), (second, first)):
        cipher = ciphers.Cipher(keys)
        columns.use_cipher(app.engine, cipher)
        began = time.perf_counter()
        done = rotating.rotate(replace(app, cipher=cipher), actor="bench")
        rates.append(done.changed.total() / (time.perf_counter() - began))
    sealed = _look_ms(app)
    app.engine.dispose()
    told = f"{sealed:.1f} ms against {plain:.1f} ms"
    yield Row(f"a page of the inbox, {CARDS} cards encrypted, {name}", told, "", None)
    told = f"{rates[0]:.0f} plain, {rates[1]:.0f} of another key"
    yield Row(f"rotation, values a second, {name}", told, "", None)


def _build(settings: Settings) -> App:
    if settings.database is not None:
        opened = engine.open_engine(settings.database_url)
        migrating.upgrade(opened)
        opened.dispose()
    return build_app(settings)


def _look_ms(app: App) -> float:
    taken = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        _sift(app, InboxFilter())
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)[LOOKS // 2]


@contextmanager
def _keyed(key: str) -> Iterator[dict[str, str]]:
    """Settings of this process, which launches, and of the worker that it starts."""
    os.environ[KEYS] = key
    try:
        yield {KEYS: key}
    finally:
        os.environ.pop(KEYS, None)
