"""The command line as processes: what it imports, who wins a race, how it ends on a closed pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.services import observing
from interlock.core.store import approvals, engine, runs, threads
from interlock.core.types import ApprovalId, CheckpointId, RunId, ThreadId

HEAVY = ("langgraph", "langchain_core", "streamlit", "alembic", "pandas", "structlog", "watchfiles")
CONTESTANTS = 6


@pytest.fixture
def card(app) -> Approval:
    """A card of a waiting run."""
    now = app.clock.now()
    thread_id, run_id = ThreadId("t"), RunId("r")
    waiting = Approval(
        approval_id=ApprovalId("a"),
        interrupt_id="i",
        thread_id=thread_id,
        run_id=run_id,
        workflow="w",
        node="n",
        namespace="",
        checkpoint_id=CheckpointId("c"),
        kind=Kind.VALUE,
        title="?",
        payload="?",
        allowed=(Verb.APPROVE, Verb.ANSWER),
        schema=None,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=now,
    )
    run = Run(
        run_id=run_id,
        thread_id=thread_id,
        workflow="w",
        kind=RunKind.START,
        status=RunStatus.WAITING,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=now,
        created_by="ann",
    )
    with engine.write(app.engine) as conn:
        threads.insert(
            conn,
            Thread(
                thread_id=thread_id,
                workflow="w",
                head_checkpoint_id=None,
                last_run_id=run_id,
                created_at=now,
                updated_at=now,
            ),
        )
        runs.insert(conn, run)
        approvals.insert(conn, waiting, "i")
    return waiting


def begin(app, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "interlock.core.cli",
            "--data-dir",
            str(app.settings.data_dir),
            *args,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_six_decisions_at_once_one_wins_and_the_others_are_told_so(app, card):
    contestants = [
        begin(app, "decide", card.approval_id, "--answer", str(n), "--as", f"p{n}", "--json")
        for n in range(CONTESTANTS)
    ]
    documents = [json.loads(process.communicate(timeout=60)[0]) for process in contestants]
    codes = [process.returncode for process in contestants]
    assert sorted(codes) == [0] + [3] * (CONTESTANTS - 1)
    winner = codes.index(0)
    losers = [d for n, d in enumerate(documents) if n != winner]
    assert {d["winner"]["actor"] for d in losers} == {f"p{winner}"}
    [decision] = observing.get_card(app, card.approval_id).decisions
    assert decision.answer == winner


@pytest.mark.parametrize(
    "args",
    [["runs"], ["inbox", "--json"], ["workflows"], ["decide", "a", "--approve"], ["doctor"]],
    ids=lambda args: args[0],
)
def test_a_command_that_reads_or_decides_imports_nothing_heavy(app, card, args):
    code = f"""if True:
        import sys
        from interlock.core.cli import main
        main({[*args, "--data-dir", str(app.settings.data_dir)]!r})
        heavy = {HEAVY!r}
        print([name for name in heavy if name in sys.modules], file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stderr.splitlines()[-1].replace("'", '"'))
    # doctor masks secrets as the log does
    assert [name for name in loaded if (args[0], name) != ("doctor", "structlog")] == []


def test_a_reader_that_has_gone_is_not_an_error_message(app, card):
    process = begin(app, "runs", "--json")
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(60) in {0, 1}
    process.stderr.close()


def test_input_is_read_from_stdin(app, card):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "interlock.core.cli", "decide", card.approval_id),
            *("--answer", "-", "--data-dir", str(app.settings.data_dir)),
        ],
        input='{"from": "stdin"}',
        capture_output=True,
        text=True,
        check=True,
    )
    assert card.approval_id in done.stdout
    [decision] = observing.get_card(app, card.approval_id).decisions
    assert decision.answer == {"from": "stdin"}


def test_documents_are_valid_where_the_terminal_knows_only_ascii(app, card):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "interlock.core.cli", "decide", card.approval_id, "--json"),
            *("--answer", '"é"', "--as", "Zoë", "--data-dir", str(app.settings.data_dir)),
        ],
        env=env,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.decode("ascii"))["approval_id"] == card.approval_id
