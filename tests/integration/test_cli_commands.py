"""The commands against a real database that holds one run which waits for a human."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from interlock.core import cli
from interlock.core.model import json_values
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.nodes import THREAD_LEFT, NodeRun, NodeStatus, RunEvent
from interlock.core.model.routes import Route
from interlock.core.model.runs import Failure, Run, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.services import browsing, launching, observing, presence
from interlock.core.store import (
    approvals,
    checkpoints,
    engine,
    events,
    nodes,
    runs,
    snapshots,
    threads,
)
from interlock.core.types import ApprovalId, CheckpointId, new_id
from tests.published import published

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}},
    "required": ["amount"],
    "additionalProperties": False,
}


@dataclass
class Desk:
    """The database's parts, and what stands in it."""

    app: object
    run: Run
    card: Approval


@pytest.fixture
def desk(app) -> Desk:
    presence.publish(app, [workflow(app, "refunds"), workflow(app, "broken", error="No such file")])
    run = launching.launch(
        app, launching.Launch(workflow="refunds", input={"amount": 700}), actor="ann"
    )
    with engine.write(app.engine) as conn:
        head = write_checkpoints(conn, app, run)
        runs.move(
            conn,
            run.run_id,
            from_={RunStatus.QUEUED},
            to=RunStatus.WAITING,
            started_at=app.clock.now(),
            end_checkpoint_id=head,
        )
        threads.touch(conn, run.thread_id, head_checkpoint_id=head, now=app.clock.now())
        app.queue.drop(conn, run.run_id)
        card = make_card(app, run, head)
        approvals.insert(conn, card, "i1")
        nodes.upsert_many(conn, [node(app, run, "check", NodeStatus.OK), node(app, run, "review")])
    return Desk(app, observing.get_run(app, run.run_id), card)


def workflow(app, name, *, error=None):
    return published(
        name,
        description="Pay money back",
        nodes=() if error else ("check", "review"),
        input_schema=None if error else SCHEMA,
        error=error,
        at=app.clock.now(),
    )


def write_checkpoints(conn, app, run):
    ids = [CheckpointId(f"c{n}") for n in range(3)]
    checkpoints.insert_many(
        conn,
        [
            CheckpointEntry(
                thread_id=run.thread_id,
                checkpoint_id=checkpoint_id,
                parent_id=ids[n - 1] if n else None,
                step=n - 1,
                source="input" if n == 0 else "loop",
                next=("review",) if n == 2 else ("check",),
                run_id=run.run_id,
                created_at=app.clock.now() + timedelta(seconds=n),
                size_bytes=10,
                branch=0,
            )
            for n, checkpoint_id in enumerate(ids)
        ],
    )
    snapshots.put(
        conn,
        Snapshot(
            thread_id=run.thread_id,
            checkpoint_id=ids[-1],
            values={"amount": 700},
            next=("review",),
            interrupts=({"id": "i1", "value": "Pay?"},),
            metadata={"step": 1},
            created_at=app.clock.now(),
        ),
    )
    return ids[-1]


def make_card(app, run, head):
    return Approval(
        approval_id=ApprovalId(new_id()),
        interrupt_id="i1",
        thread_id=run.thread_id,
        run_id=run.run_id,
        workflow="refunds",
        node="review",
        namespace="",
        checkpoint_id=head,
        kind=Kind.VALUE,
        title="Pay 700?",
        payload="Pay 700?",
        allowed=(Verb.APPROVE, Verb.REJECT, Verb.ANSWER),
        schema=None,
        risk="",
        status=ApprovalStatus.PENDING,
        version=1,
        asked_at=app.clock.now(),
    )


def node(app, run, name, status=NodeStatus.INTERRUPTED):
    return NodeRun(
        run_id=run.run_id,
        thread_id=run.thread_id,
        workflow="refunds",
        task_id=name,
        attempt=1,
        delivery=1,
        node=name,
        path=name,
        namespace="",
        step=1,
        status=status,
        started_at=app.clock.now(),
        duration_ms=1.5,
    )


@pytest.fixture
def call(app, capsys):
    """Run a command on this database: (exit code, stdout, stderr)."""

    def run(*args: str):
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def ask(call):
    """Run a command with --json: (exit code, document)."""

    def run(*args: str):
        code, out, _ = call(*args, "--json")
        return code, json.loads(out)

    return run


def test_workflows_tell_what_can_be_launched_and_what_cannot(desk, ask):
    code, found = ask("workflows")
    assert code == 0
    assert {w["name"]: w["error"] for w in found} == {"broken": "No such file", "refunds": None}
    assert set(found[0]) == {"name", "description", "nodes", "input_schema", "policy", "error"}


def test_runs_have_the_agreed_keys(desk, ask):
    code, [run] = ask("runs")
    assert code == 0
    agreed = {"run_id", "thread_id", "workflow", "status", "created_at", "error"}
    assert agreed <= set(run)
    assert not {"values", "nodes"} & set(run)
    assert (run["run_id"], run["status"]) == (desk.run.run_id, "waiting")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--status", "waiting"), 1),
        (("--status", "failed"), 0),
        (("--status", "failed", "--status", "waiting"), 1),
        (("--thread", "other"), 0),
        (("--workflow", "refunds"), 1),
        (("--search", "700 ann"), 1),
        (("--search", "701"), 0),
        (("--error", "ValueError"), 0),
    ],
)
def test_runs_are_filtered(desk, ask, options, expected):
    assert len(ask("runs", *options)[1]) == expected


def test_a_run_shows_its_values_and_nodes(desk, ask):
    code, run = ask("run", desk.run.run_id)
    assert code == 0
    assert run["values"] == {"amount": 700}
    assert [(n["node"], n["attempt"], n["status"], n["duration_ms"]) for n in run["nodes"]] == [
        ("check", 1, "ok", 1.5),
        ("review", 1, "interrupted", 1.5),
    ]


def test_a_failed_run_tells_why_and_keeps_its_state_for_the_single_view(desk, ask, app):
    error = Failure(type="ValueError", message="no", stack="Traceback", snapshot={"amount": 1})
    with engine.write(app.engine) as conn:
        runs.move(
            conn, desk.run.run_id, from_={RunStatus.WAITING}, to=RunStatus.FAILED, error=error
        )
    [listed] = ask("runs")[1]
    assert listed["error"]["type"] == "ValueError"
    assert "snapshot" not in listed["error"]
    assert ask("run", desk.run.run_id)[1]["error"]["snapshot"] == {"amount": 1}


def test_the_inbox_has_the_agreed_keys(desk, ask):
    code, [card] = ask("inbox")
    assert code == 0
    assert set(card) == {
        *("approval_id", "interrupt_id", "thread_id", "run_id", "workflow", "node", "kind"),
        *("title", "payload", "allowed", "schema", "risk", "status", "version", "asked_at"),
        *("deadline_at", "warn_at", "on_timeout", "is_due", "escalated_to", "deadline_note"),
        *("approvers", "quorum", "self_approval", "initiators", "priority", "route_note", "claim"),
    }
    assert (card["approval_id"], card["allowed"]) == (
        desk.card.approval_id,
        ["approve", "reject", "answer"],
    )


def test_the_inbox_shows_what_is_pending_unless_asked_otherwise(desk, ask):
    assert len(ask("inbox", "--status", "decided")[1]) == 0
    ask("decide", desk.card.approval_id, "--approve")
    assert len(ask("inbox")[1]) == 0
    assert len(ask("inbox", "--status", "decided")[1]) == 1


@pytest.mark.parametrize(
    ("option", "value", "count"),
    [
        ("--node", "nowhere", 0),
        ("--kind", "failure", 0),
        ("--risk", "high", 0),
        ("--risk", "none", 1),
        ("--search", "nowhere", 0),
        ("--older", "9999d", 0),
        ("--sort", "newest", 1),
    ],
)
def test_the_inbox_is_sifted(desk, ask, option, value, count):
    assert len(ask("inbox", option, value)[1]) == count, desk.card


def test_an_age_that_is_none_is_refused(ask):
    code, told = ask("inbox", "--older", "soon")
    assert code == 2
    assert "10m" in str(told)


def test_a_decision_gives_the_run_that_carries_it(desk, ask, app):
    code, decided = ask(
        "decide", desk.card.approval_id, "--approve", "--as", "bob", "--reason", "ok"
    )
    assert code == 0
    assert set(decided) == {"approval_id", "status", "run_id"}
    assert decided["status"] == "decided"
    assert observing.get_run(app, decided["run_id"]).status is RunStatus.QUEUED
    [decision] = observing.get_card(app, desk.card.approval_id).decisions
    assert (decision.actor, decision.reason, decision.answer) == ("bob", "ok", True)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (("--reject",), False),
        (("--answer", "3"), 3),
        (("--answer", "null"), None),
        (("--answer", '{"a": "é"}'), {"a": "é"}),
    ],
)
def test_what_is_answered_is_what_the_graph_gets(desk, ask, app, options, answer):
    assert ask("decide", desk.card.approval_id, *options)[0] == 0
    [decision] = observing.get_card(app, desk.card.approval_id).decisions
    assert decision.answer == answer


def test_the_loser_is_told_who_won_and_exits_with_3(desk, ask, call):
    ask("decide", desk.card.approval_id, "--approve", "--as", "bob")
    code, out, err = call("decide", desk.card.approval_id, "--reject", "--as", "eve", "--json")
    document = json.loads(out)
    assert code == 3
    assert set(document) == {"error", "winner"}
    assert (document["winner"]["actor"], document["winner"]["verb"]) == ("bob", "approve")
    assert "bob" in err


def test_a_version_that_is_not_asked_is_a_conflict(desk, ask):
    code, document = ask("decide", desk.card.approval_id, "--approve", "--version", "7")
    assert code == 3
    assert document["winner"]["version"] == 1


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--approve", "--reject"),
        ("--answer", "{broken"),
        ("--each", "3"),
        ("--approve", "--as", ""),
        ("--approve", "--as", "x" * 201),
        ("--approve", "--version", "0"),
    ],
)
def test_a_decision_that_means_nothing_is_wrong_usage(desk, call, options, app):
    code, _, err = call("decide", desk.card.approval_id, *options)
    assert code == 2
    assert err
    assert observing.get_card(app, desk.card.approval_id).approval.status is ApprovalStatus.PENDING


def test_a_verb_that_the_card_does_not_allow_is_refused(desk, ask):
    code, document = ask("decide", desk.card.approval_id, "--skip")
    assert code == 1
    assert document["problems"] is not None


def test_a_card_that_takes_several_is_voted_on(desk, ask, call, app):
    card = desk.card.approval_id
    route = Route(approvers=("group:finance",), quorum=2, priority=3)
    with engine.write(app.engine) as conn:
        conn.execute(approvals.approvals.update().values(**approvals.route_columns(route)))
    code, told = ask("decide", card, "--approve", "--as", "ann", "--reason", "ok")
    assert (code, told["status"], told["run_id"], told["missing"]) == (0, "pending", None, 1)
    assert [(v["actor"], v["verb"]) for v in told["votes"]] == [("ann", "approve")]
    assert ask("decide", card, "--approve", "--as", "ann")[0] == 3
    assert ask("decide", card, "--agree-with", "bob", "--as", "bob")[0] == 4
    assert call("decide", card, "--agree-with", "ann", "--approve")[0] == 2
    (listed,) = ask("inbox", "--approver", "group:finance", "--mine", "--sort", "priority")[1]
    assert (listed["approvers"], listed["quorum"]) == (["group:finance"], 2)
    assert ask("inbox", "--approver", "ann") == (0, [])
    code, told = ask("decide", card, "--agree-with", "ann", "--as", "bob")
    assert (code, told["status"], set(told)) == (
        0,
        "decided",
        {"approval_id", "status", "run_id"},
    )


def test_a_revision_is_refused_where_no_policy_has_an_answer_for_it(desk, call):
    code, _, err = call("decide", desk.card.approval_id, "--revise", "--reason", "shorter")
    assert (code, "does not take revise" in err) == (1, True)


def test_a_launch_prints_its_ids_and_says_that_no_worker_runs(desk, call):
    code, out, err = call("launch", "refunds", "--input", '{"amount": 1}', "--json")
    document = json.loads(out)
    assert code == 0
    assert {"run_id", "thread_id", "status", "approvals"} <= set(document)
    assert (document["status"], document["approvals"]) == ("queued", [])
    assert "No worker is running" in err


def test_waiting_ends_when_the_time_is_up_with_0(desk, ask):
    code, document = ask("launch", "refunds", "--input", '{"amount": 1}', "--wait", "0.1")
    assert (code, document["status"]) == (0, "queued")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("refunds", "--input", '{"amount": "x"}'), 1, "amount"),
        (("refunds", "--input", "{}"), 1, "amount"),
        (("refunds",), 1, "amount"),
        (("broken",), 1, "No such file"),
        (("nothing",), 4, "nothing"),
        (("refunds", "--input", '{"amount": 1}', "--break-before", "nowhere"), 1, "nowhere"),
        (("refunds", "--input", "-", "--context", "-"), 2, "stdin"),
        (("refunds", "--input", "@/no/such"), 2, "/no/such"),
    ],
)
def test_a_wrong_launch_is_refused_by_name(desk, call, args, code, said):
    found, _, err = call("launch", *args)
    assert found == code
    assert said in err


def test_a_thread_that_waits_takes_no_new_run(desk, ask):
    code, document = ask(
        "launch", "refunds", "--input", '{"amount": 1}', "--thread", desk.run.thread_id
    )
    assert code == 3
    assert "winner" in document


def test_without_any_worker_ever_a_launch_says_what_is_missing(app, call):
    code, _, err = call("launch", "refunds")
    assert code == 1
    assert "interlock up" in err


def test_cancel_and_retry_print_the_run(desk, ask):
    code, cancelled = ask("cancel", desk.run.run_id, "--reason", "typo")
    assert (code, cancelled["status"]) == (0, "cancelled")
    code, again = ask("retry", desk.run.run_id, "--as", "bob")
    assert (code, again["status"], again["created_by"]) == (0, "queued", "bob")
    assert again["run_id"] != desk.run.run_id


def test_all_that_failed_with_an_error_are_retried_or_cancelled_at_once(desk, ask, call, app):
    failure = Failure("ConnectionError", "no route")
    with engine.write(app.engine) as conn:
        runs.move(
            conn,
            desk.run.run_id,
            from_={RunStatus.WAITING},
            to=RunStatus.FAILED,
            error=failure,
        )
    assert ask("retry", "--error", "ValueError") == (0, [])
    assert ask("cancel", "--error", "ConnectionError", "--workflow", "essays") == (0, [])
    code, [told] = ask("retry", "--error", "ConnectionError", "--as", "bob")
    assert (code, told["run_id"], told["refusal"]) == (0, desk.run.run_id, None)
    assert observing.get_run(app, told["new_run_id"]).created_by == "bob"
    code, out, err = call("cancel", "--error", "ConnectionError")
    assert (code, out) == (0, "")
    assert "No run that failed with ConnectionError is left" in err


@pytest.mark.parametrize(
    "args", [(), ("r1", "--error", "ValueError"), ("r1", "--workflow", "refunds")]
)
def test_a_retry_needs_a_run_or_an_error(desk, call, args):
    assert call("retry", *args)[0] == 2


def test_a_failed_run_is_put_into_the_inbox_and_decided_there(desk, ask, app):
    assert ask("ask", desk.run.run_id)[0] == 3
    failure = Failure("ConnectionError", "no route", node="review")
    with engine.write(app.engine) as conn:
        approvals.close_for_thread(
            conn, desk.run.thread_id, status=ApprovalStatus.WITHDRAWN, now=app.clock.now()
        )
        runs.move(
            conn,
            desk.run.run_id,
            from_={RunStatus.WAITING},
            to=RunStatus.FAILED,
            error=failure,
        )
    code, card = ask("ask", desk.run.run_id, "--as", "bob")
    assert (code, card["kind"], card["title"]) == (
        0,
        "failure",
        "Failed in review: ConnectionError",
    )
    assert card["allowed"] == ["approve", "edit", "skip", "stop"]
    assert ask("ask", desk.run.run_id)[0] == 3
    code, told = ask("decide", card["approval_id"], "--edit", '{"amount": 5}')
    assert (code, told["status"]) == (0, "decided")
    assert ask("run", told["run_id"])[1]["kind"] == "proceed"
    assert ask("ask", "nope")[0] == 4


def test_a_launch_may_ask_for_a_human_when_it_fails(desk, ask, app):
    _, told = ask("launch", "refunds", "--input", '{"amount": 3}', "--ask-on-failure")
    assert observing.get_run(app, told["run_id"]).options.asks_on_failure
    _, told = ask("launch", "refunds", "--input", '{"amount": 3}')
    assert not observing.get_run(app, told["run_id"]).options.asks_on_failure


def test_a_run_that_goes_well_is_not_retried(desk, ask):
    assert ask("retry", desk.run.run_id)[0] == 3


def test_history_is_newest_first_and_marks_the_head(desk, ask):
    code, entries = ask("history", desk.run.thread_id)
    assert code == 0
    assert {"checkpoint_id", "parent_id", "step", "source", "next", "created_at", "branch"} <= set(
        entries[0]
    )
    assert [(e["checkpoint_id"], e["is_head"]) for e in entries] == [
        ("c2", True),
        ("c1", False),
        ("c0", False),
    ]
    assert len(ask("history", desk.run.thread_id, "--limit", "1")[1]) == 1


def test_history_is_filtered_and_paged_and_still_knows_the_head(desk, ask, call):
    thread_id = desk.run.thread_id
    found = ask("history", thread_id, "--node", "review", "--source", "loop")[1]
    assert [(e["checkpoint_id"], e["is_head"], e["fork"]) for e in found][:1] == [
        ("c2", True, None)
    ]
    older = ask("history", thread_id, "--before", "c1", "--branch", "0")[1]
    assert [(e["checkpoint_id"], e["is_head"]) for e in older] == [("c0", False)]
    assert call("history", thread_id, "--node", "gone")[2].strip() == "No checkpoint fits."


def test_two_states_are_compared(desk, ask, call, app):
    with engine.write(app.engine) as conn:
        first = snapshots.fetch(conn, desk.run.thread_id, "c2")
        values = {"amount": 30, "note": "as it was", "list": [1]}
        snapshots.put(conn, replace(first, checkpoint_id="c1", values=values))
        values = {"amount": 700, "note": "as it is", "list": [1, 2], "by": "ann"}
        snapshots.put(conn, replace(first, checkpoint_id="c2", values=values))
    code, told = ask("diff", desk.run.thread_id, "c1", "c2")
    assert (code, told["from"], told["to"], told["is_partial"]) == (0, "c1", "c2", False)
    assert [e["change"] for e in told["entries"]] == ["changed", "text", "inserted", "added"]
    assert call("diff", desk.run.thread_id, "c1", "c2")[1].splitlines() == [
        "~ amount: 30 -> 700",
        "~ note: as it [-was-]{+is+}",
        "+ list[1]: 2",
        "+ by: ann",
    ]
    assert "- by: ann" in call("diff", desk.run.thread_id, "c2", "c1")[1].splitlines()
    assert "the same" in call("diff", desk.run.thread_id, "c2", "c2")[2]
    assert call("diff", desk.run.thread_id, "c2", "gone")[0] == 4


def test_state_is_that_of_the_head(desk, ask):
    code, state = ask("state", desk.run.thread_id)
    assert code == 0
    assert (state["checkpoint_id"], state["values"], state["next"]) == (
        "c2",
        {"amount": 700},
        ["review"],
    )
    assert {"interrupts", "metadata"} <= set(state)


def test_a_state_that_only_a_worker_can_read_says_so(desk, call):
    code, _, err = call("state", desk.run.thread_id, "--checkpoint", "c1")
    assert code == 1
    assert "interlock up" in err


@pytest.mark.parametrize(
    "args",
    [
        ("run", "nope"),
        ("cancel", "nope"),
        ("retry", "nope"),
        ("history", "nope"),
        ("state", "nope"),
        ("decide", "nope", "--approve"),
    ],
)
def test_an_unknown_id_exits_with_4(desk, call, args):
    code, out, err = call(*args, "--json")
    assert code == 4
    assert "error" in json.loads(out)
    assert "nope" in err


def test_tables_for_people_name_every_id_in_full(desk, call):
    card, run = desk.card, desk.run
    assert run.run_id in call("runs")[1]
    assert card.approval_id in call("inbox")[1]
    shown = call("run", run.run_id)[1]
    assert all(part in shown for part in (run.thread_id, "review", card.approval_id))
    assert "c2" in call("history", run.thread_id)[1]
    assert "amount" in call("state", run.thread_id)[1]
    assert "NOT LOADED: No such file" in call("workflows")[1]


def test_the_warnings_of_a_run_are_told_with_the_threads_it_left(desk, call, app):
    with engine.write(app.engine) as conn:
        seq = events.last_seq(conn, desk.run.run_id) + 1
        events.insert_many(
            conn,
            [
                RunEvent(
                    run_id=desk.run.run_id,
                    seq=seq,
                    kind="warning",
                    path="review",
                    at=app.clock.now(),
                    data={"text": THREAD_LEFT},
                )
            ],
        )
    assert f"review: {THREAD_LEFT}" in " ".join(call("run", desk.run.run_id)[1].split())
    told = json.loads(call("run", desk.run.run_id, "--json")[1])
    assert (told["threads_left"], [w["node"] for w in told["warnings"]]) == (1, ["review"])


def test_what_an_agent_wrote_cannot_steer_the_terminal(desk, call, app):
    with engine.write(app.engine) as conn:
        evil = replace(desk.card, approval_id=ApprovalId(new_id()), title="\x1b]0;owned\x07\x9b2J")
        approvals.insert(conn, evil, "i2")
    out = call("inbox")[1]
    assert "owned" in out
    assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in out)


@pytest.mark.parametrize("where", ["before", "after", "both"])
def test_shared_options_stand_before_or_after_the_name(desk, app, capsys, where, tmp_path):
    given = ["--data-dir", str(app.settings.data_dir), "--json"]
    args = {
        "before": [*given, "runs"],
        "after": ["runs", *given],
        "both": ["--data-dir", str(tmp_path / "elsewhere"), "runs", *given],
    }[where]
    assert cli.main(args) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_the_data_folder_can_be_named_by_the_environment(desk, app, capsys, monkeypatch):
    monkeypatch.setenv("INTERLOCK_DATA_DIR", str(app.settings.data_dir))
    assert cli.main(["runs", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_a_wrong_setting_is_named(app, call, monkeypatch):
    monkeypatch.setenv("INTERLOCK_CONCURRENCY", "many")
    code, _, err = call("runs")
    assert code == 1
    assert "INTERLOCK_CONCURRENCY" in err


def test_an_unexpected_error_is_one_line_with_a_reference_and_the_trace_is_in_the_log(
    desk, call, app, monkeypatch
):
    def fail(*_, **__):
        raise RuntimeError("password=hunter2 went wrong")

    monkeypatch.setattr(browsing, "list_runs", fail)
    code, out, err = call("runs", "--json")
    document = json.loads(out)
    assert code == 1
    assert "Traceback" not in out + err
    assert len(err.splitlines()) == 1
    log = (app.settings.data_dir / "logs" / "cli.log").read_text()
    assert document["reference"] in err
    assert document["reference"] in log
    assert "Traceback" in log
    assert "hunter2" not in log


def test_a_trace_that_cannot_be_written_is_said(desk, call, app, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no")

    (app.settings.data_dir / "logs").write_text("in the way")
    monkeypatch.setattr(browsing, "list_runs", fail)
    code, _, err = call("runs")
    assert code == 1
    assert "could not be written" in err


def test_ctrl_c_exits_with_130(desk, call, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(browsing, "list_runs", interrupt)
    assert call("runs")[0] == 130


def test_the_version_is_printed(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip()[0].isdigit()


@pytest.mark.parametrize("args", [["nonsense"], ["runs", "--limit", "0"], ["run"], ["--json"]])
def test_wrong_usage_exits_with_2(capsys, args):
    assert cli.main(args) == 2
    assert capsys.readouterr().err


def test_no_nan_is_printed_even_if_one_is_stored(desk, ask, monkeypatch):
    monkeypatch.setattr(json_values.math, "isfinite", lambda _: False)
    assert ask("run", desk.run.run_id)[1]["nodes"][0]["duration_ms"] is None


def test_a_decision_and_a_retry_say_that_no_worker_runs(desk, call):
    code, _, err = call("decide", desk.card.approval_id, "--approve")
    assert code == 0
    assert "No worker is running" in err
    call("cancel", observing.list_runs(desk.app, limit=1)[0].run_id)
    code, _, err = call("retry", observing.list_runs(desk.app, limit=1)[0].run_id)
    assert code == 0
    assert "No worker is running" in err


def test_what_is_held_is_held_once_listed_and_released(desk, ask, call):
    code, held = ask("hold", "--reason", "the bank is shut", "--as", "Ann")
    refused = ask("hold", "--as", "Bob")
    listed = ask("holds")
    shown = call("holds")
    ended = ask("release", "--as", "Bob")

    assert code == 0
    assert (held["workflow"], held["held_by"], held["reason"]) == (None, "Ann", "the bank is shut")
    assert (refused[0], refused[1]["error"]) == (3, "Everything is held already, by Ann.")
    assert listed == (0, [held])
    assert "everything" in shown[1]
    assert ended == (0, held | {"released": True})
    assert ask("holds") == (0, [])
    assert ask("release")[0] == 3
    assert ask("hold", "no such workflow")[0] == 4
    assert "refunds" in call("hold", "refunds")[1]
