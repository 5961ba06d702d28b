"""Twenty people clear one inbox of a thousand cards at once, out of several processes."""

from __future__ import annotations

import json
import multiprocessing
import runpy
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from interlock.core.bootstrap import build_app
from interlock.core.model import people
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.people import Operator, Permission, Role, Token
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.settings import Settings
from interlock.core.store import approvals, audit, engine, operators, runs, threads, tokens
from interlock.core.store.schema import decisions

CROWD = str(Path(__file__).parent / "crowd.py")
CARDS = 1000
PEOPLE = [f"person {number:02}" for number in range(20)]
VIEWERS = set(PEOPLE[::5])  # four who may only look
PROCESSES = 4


@pytest.fixture
def settings(postgres_url, tmp_path) -> Settings:
    url = postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)
    return Settings(data_dir=tmp_path / "data", database=url)


@pytest.fixture
def app(settings):
    built = build_app(settings)
    yield built
    built.engine.dispose()


def fill(app) -> None:
    """A thousand threads that wait with a card each, and twenty people with a token each."""
    now = app.clock.now()
    ids = [f"{number:04}" for number in range(CARDS)]
    with engine.write(app.engine) as conn:
        threads.insert_many(
            conn,
            [
                Thread(
                    thread_id=f"t{id_}",
                    workflow="refunds",
                    head_checkpoint_id="c1",
                    last_run_id=f"r{id_}",
                    created_at=now,
                    updated_at=now,
                )
                for id_ in ids
            ],
        )
        runs.insert_many(
            conn,
            [
                Run(
                    run_id=f"r{id_}",
                    thread_id=f"t{id_}",
                    workflow="refunds",
                    kind=RunKind.START,
                    status=RunStatus.WAITING,
                    input={},
                    context=None,
                    options=RunOptions(),
                    priority=0,
                    created_at=now,
                    created_by="setup",
                )
                for id_ in ids
            ],
        )
        approvals.insert_many(
            conn,
            [
                (
                    Approval(
                        approval_id=f"a{id_}",
                        interrupt_id=f"i{id_}",
                        thread_id=f"t{id_}",
                        run_id=f"r{id_}",
                        workflow="refunds",
                        node="review",
                        namespace="",
                        checkpoint_id="c1",
                        kind=Kind.CONFIRM,
                        title="Refund?",
                        payload={"amount": 7},
                        allowed=(Verb.APPROVE, Verb.REJECT),
                        schema=None,
                        risk="",
                        status=ApprovalStatus.PENDING,
                        version=1,
                        asked_at=now,
                    ),
                    f"q{id_}",
                )
                for id_ in ids
            ],
        )
        for name in PEOPLE:
            role = Role.VIEWER if name in VIEWERS else Role.OPERATOR
            account = Operator(name=name, role=role, created_at=now, updated_at=now)
            operators.insert(conn, account, password_hash=None)
            token = Token(
                token_id=name,
                operator=name,
                label="crowd",
                scopes=tuple(Permission),
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
            tokens.insert(conn, token, secret_hash=people.hash_secret(f"secret of {name}"))
        operators.set_sign_in(conn, "local", by="setup", now=now)


def let_work(settings, tmp_path) -> dict[str, Counter[str]]:
    """What each was told, by name."""
    context = multiprocessing.get_context("forkserver")
    files = [tmp_path / f"{number}.json" for number in range(PROCESSES)]
    processes = [
        context.Process(
            target=runpy.run_path,
            args=(CROWD,),
            kwargs={
                "init_globals": {
                    "given": {
                        "data_dir": str(settings.data_dir),
                        "database": settings.database,
                        "names": PEOPLE[number::PROCESSES],
                        "file": str(file),
                    }
                }
            },
            daemon=True,
        )
        for number, file in enumerate(files)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {
        name: Counter(told) for file in files for name, told in json.loads(file.read_text()).items()
    }


def test_twenty_people_clear_a_thousand_cards_each_decided_once(app, settings, tmp_path):
    fill(app)

    told = let_work(settings, tmp_path)

    with engine.read(app.engine) as conn:
        won = dict(
            conn.execute(select(decisions.c.actor, func.count()).group_by(decisions.c.actor)).all()
        )
        per_card = select(func.count(decisions.c.decision_id)).group_by(decisions.c.approval_id)
        assert set(conn.execute(per_card).scalars()) == {1}
        assert approvals.count(conn, statuses=[ApprovalStatus.PENDING]) == 0
        assert audit.verify(conn) is None
        entries = audit.fetch_many(conn, limit=3 * CARDS)
    assert won == {name: found["decided"] for name, found in told.items() if found["decided"]}
    assert sum(won.values()) == CARDS
    decided = [
        (entry.object, entry.actor) for entry in entries if entry.action.startswith("decide:")
    ]
    assert len(decided) == len(dict(decided)) == CARDS
    assert Counter(actor for _, actor in decided) == won
    assert not VIEWERS & set(won)
    assert {name for name, found in told.items() if found["refused"]} == VIEWERS
    # They did get into each other's way, and each was told who had been first.
    assert sum(found["told who was first"] for found in told.values()) > 0
    assert sum(found["told nothing"] for found in told.values()) == 0
