"""What it costs a command to ask who it is, and a list to leave out what is of other tenants."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measuring import Row
from rows import fill

from interlock.core.bootstrap import build_app
from interlock.core.model import people
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.people import (
    SYSTEM,
    Caller,
    CallerKind,
    Operator,
    Permission,
    Role,
    Token,
)
from interlock.core.model.workflows import Workflow
from interlock.core.services import holding, permitting, presence, sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine, migrating, operators, tokens

LOOKS = 400
CARDS = 10_000
WORKFLOWS = ("common", "rare")


def measure(folder: Path, make_database: Callable[[], str]) -> Iterator[Row]:
    """A command under each kind of caller, and the inbox of one tenant, on both databases."""
    for name, database in (("SQLite", None), ("PostgreSQL", make_database())):
        app = build_upgraded(Settings(data_dir=folder / name, database=database))
        fill(app, CARDS)
        token = admit(app)
        cost = {
            "nobody signs in": _asking(permitting.bind(app, people.LOCAL)),
            "our own process": _asking(permitting.bind(app, SYSTEM)),
        }
        with engine.write(app.engine) as conn:
            operators.set_sign_in(conn, "local", by="bench", now=datetime.now(UTC))
        one = permitting.bind(app, token)
        cost["a token"] = _asking(one)
        whole = _command(replace(app, caller=SYSTEM), "bench")
        signed = _command(one, "ann")
        told = ", ".join(f"{who} {ms:.2f} ms" for who, ms in cost.items())
        yield Row(f"asking who it is, {name}", told, "", None)
        yield Row(
            f"hold and release, {name}",
            f"{whole:.2f} ms by our own process, {signed:.2f} ms by a token",
            "",
            None,
        )
        everything, narrowed = _listing(replace(app, caller=SYSTEM)), _listing(_of_tenant(app))
        yield Row(
            f"inbox with 10 000 pending, by tenant, {name}",
            f"{narrowed:.2f} ms ({everything:.2f} ms of the whole house)",
            "",
            None,
        )
        app.engine.dispose()


def build_upgraded(settings: Settings) -> App:
    """The parts on a database that is up to date."""
    if settings.database is not None:
        opened = engine.open_engine(settings.database_url)
        migrating.upgrade(opened)
        opened.dispose()
    return build_app(settings)


def admit(app: App) -> Caller:
    """Two workflows of two tenants, and an operator of no tenant with a token."""
    now = datetime.now(UTC)
    presence.publish(
        app,
        [
            Workflow(
                name=name,
                description="",
                nodes=("review",),
                graph={},
                input_schema=None,
                context_schema=None,
                state_schema=None,
                channels=(),
                error=None,
                published_at=now,
                policy={"tenant": f"of {name}"},
            )
            for name in WORKFLOWS
        ],
    )
    with engine.write(app.engine) as conn:
        account = Operator(name="ann", role=Role.OPERATOR, created_at=now, updated_at=now)
        operators.insert(conn, account, password_hash=None)
        token = Token(
            token_id="bench",
            operator="ann",
            label="bench",
            scopes=tuple(Permission),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        tokens.insert(conn, token, secret_hash=people.hash_secret("bench"))
    return Caller(CallerKind.TOKEN, people.hash_secret("bench"))


def _of_tenant(app: App) -> App:
    person = people.Person(name="eve", role=Role.OPERATOR, tenants=frozenset({"of common"}))
    return permitting.see(replace(app, caller=SYSTEM), person)


def _asking(app: App) -> float:
    return _median_ms(lambda: permitting.resolve(app))


def _command(app: App, actor: str) -> float:
    def act() -> None:
        holding.hold(app, "rare", actor=actor)
        holding.release(app, "rare", actor=actor)

    return _median_ms(act, looks=LOOKS // 4)


def _listing(app: App) -> float:
    return _median_ms(lambda: sifting.list_cards(app, InboxFilter(), limit=25), looks=LOOKS // 4)


def _median_ms(act: Callable[[], object], *, looks: int = LOOKS) -> float:
    act()
    spent = []
    for _ in range(looks):
        begun = time.perf_counter()
        act()
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent)
