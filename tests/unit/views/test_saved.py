from __future__ import annotations

from datetime import UTC, datetime

from interlock.core.model.alerts import Alert, AlertStatus, RuleName, Severity
from interlock.core.model.breaker import Breaker, BreakerEvent, BreakerState, Served
from interlock.core.model.policies import BreakerRules
from interlock.core.model.runs import FailureLine, RunStatus
from interlock.core.services.tripping import Board, Traffic
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views import saved
from interlock.dashboard.views.sheets import Sheet

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def read(sheet: Sheet) -> list[dict[str, object]]:
    return [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]


def test_a_run_is_saved_with_its_error_and_its_moments(make):
    run = make.run(
        "r1", RunStatus.FAILED, ended_at=NOW, error=FailureLine("OSError", "gone"), started_at=None
    )
    (row,) = read(saved.save_runs([run]))
    assert (row["run_id"], row["status"], row["error"]) == ("r1", "failed", "OSError: gone")
    assert (row["ended_at"], row["started_at"]) == (NOW.isoformat(), None)
    assert row["is_degraded"] is False


def test_a_card_is_saved_with_the_verbs_it_allows(make):
    card = make.card("a1")
    (row,) = read(saved.save_cards([card]))
    assert (row["approval_id"], row["kind"]) == ("a1", str(card.kind))
    assert row["allowed"] == ", ".join(map(str, card.allowed))


def test_breakers_and_what_happened_to_them_are_saved():
    breaker = Breaker(
        name="bank",
        rules=BreakerRules(),
        serves=(Served("shop", "tools", "pay"), Served("shop", "charge")),
        state=BreakerState.OPEN,
        forced=BreakerState.OPEN,
        failures=(NOW,),
        opened_at=NOW,
        short_circuited=3,
    )
    quiet = Breaker(name="mail", rules=BreakerRules())
    event = BreakerEvent(
        event_id="e1",
        name="bank",
        at=NOW,
        before=BreakerState.CLOSED,
        after=BreakerState.OPEN,
        cause="1 failure within 60 s",
    )
    traffic = {"bank": [Traffic(2, 1), Traffic(refused=3)], "mail": [Traffic()]}
    board = Board(breakers=[breaker, quiet], traffic=traffic, events=[event])
    bank, mail = read(saved.save_breakers(board, now=NOW))
    assert (bank["state"], bank["forced"], bank["failures"]) == ("open", "open", 1)
    assert (bank["opened_at"], bank["retry_at"]) == (NOW.isoformat(), None)
    assert (bank["calls_2min"], bank["errors_2min"], bank["refused_2min"]) == (2, 1, 3)
    assert bank["serves"] == ", ".join(map(str, breaker.serves))
    assert (mail["forced"], mail["calls_2min"]) == (None, 0)
    (happened,) = read(saved.save_transitions(board.events))
    assert (happened["before"], happened["after"], happened["run_id"]) == ("closed", "open", None)


def test_an_alert_and_a_workflow_are_saved(make):
    alert = Alert(
        rule=RuleName.BREAKER,
        object="bank",
        severity=Severity.WARNING,
        title="Cut off",
        advice="Look",
        link="breakers",
        value=1.5,
        alert_id="al",
        status=AlertStatus.OPEN,
        fired_at=NOW,
        seen_at=NOW,
    )
    (row,) = read(saved.save_alerts([alert]))
    assert (row["rule"], row["value"], row["fired_at"]) == (
        str(RuleName.BREAKER),
        1.5,
        NOW.isoformat(),
    )
    workflow = make.workflow("shop")
    (row,) = read(saved.save_workflows([workflow]))
    assert (row["name"], row["nodes"]) == ("shop", ", ".join(workflow.nodes))


def test_a_drawn_table_is_saved_in_its_words():
    look = Look(Tone.DONE, "ready", ":material/check:")
    sheet = saved.save_rows("processes", [{"process": "web", "state": look}])
    assert (sheet.name, read(sheet)) == ("processes", [{"process": "web", "state": "ready"}])
