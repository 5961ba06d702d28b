"""What is wrong by which figures, and what becomes of an alert on a clock that a test moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from interlock.core.model import alert_moves, alert_rules
from interlock.core.model.alerts import (
    RULES,
    Alert,
    AlertFigures,
    AlertStatus,
    BreakerReading,
    FailureReading,
    RuleName,
    Severity,
    Silence,
    WorkflowHistory,
    WorkflowReading,
    rules_with,
)
from interlock.core.model.failure_kinds import FailureKind
from interlock.core.model.policies import AlertRule

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
CALM = AlertFigures(at=NOW, workers_alive=1)


def figures(*, history=None, **reading):
    seen = WorkflowReading(workflow="refunds", **({"ended": 100, "mean_ms": 800.0} | reading))
    known = {} if history is None else {"refunds": WorkflowHistory(**history)}
    return replace(CALM, workflows=(seen,), history=known)


def find(seen, rules=RULES):
    return {f.rule: f for f in alert_rules.find(seen, rules)}


# The rules ----------------------------------------------------------------------------------------


def test_nothing_is_wrong_where_all_goes_well():
    assert find(CALM) == {}
    assert find(figures(failed=5, mean_ms=5000.0, started=100)) == {}


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ({"failed": 6}, {RuleName.ERROR_RATE: Severity.CRITICAL}),
        ({"mean_ms": 5001.0}, {RuleName.LATENCY: Severity.WARNING}),
        (
            {"failed": 11, "mean_ms": 10_001.0},
            {
                RuleName.ERROR_RATE: Severity.CRITICAL,
                RuleName.LATENCY: Severity.WARNING,
                RuleName.DEGRADED: Severity.CRITICAL,
            },
        ),
        (
            {"failed": 10, "mean_ms": 10_001.0},
            {RuleName.ERROR_RATE: Severity.CRITICAL, RuleName.LATENCY: Severity.WARNING},
        ),
        ({"ended": 4, "failed": 4, "mean_ms": 60_000.0}, {}),
        ({"ended": 0, "mean_ms": None}, {}),
        ({"ended": 5, "failed": 5, "mean_ms": None}, {RuleName.ERROR_RATE: Severity.CRITICAL}),
    ],
)
def test_a_bound_is_passed_only_above_it_and_with_runs_enough(reading, expected):
    assert {rule: f.severity for rule, f in find(figures(**reading)).items()} == expected


@pytest.mark.parametrize(
    ("started", "usual", "fires"),
    [(19, 40.0, True), (20, 40.0, False), (0, 40.0, True), (0, 9.0, False), (0, None, False)],
)
def test_traffic_under_half_of_what_is_usual_is_told(started, usual, fires):
    seen = figures(started=started, history={"usual_started": usual})
    assert (RuleName.TRAFFIC in find(seen)) is fires


def test_a_workflow_that_nobody_launches_any_more_is_told_too():
    seen = replace(CALM, history={"refunds": WorkflowHistory(usual_started=40.0)})
    found = find(seen)[RuleName.TRAFFIC]
    assert (found.object, found.value, found.link) == ("refunds", 0, "runs?workflow=refunds")
    assert found.title == "refunds: 0 runs were launched within 15 minutes, 40 are usual"


@pytest.mark.parametrize(
    ("ended", "failed", "usual", "fires"),
    [(100, 4, 0.03, True), (100, 3, 0.03, False), (100, 4, None, False), (19, 4, 0.0, False)],
)
def test_a_share_above_its_own_p95_is_told(ended, failed, usual, fires):
    found = find(figures(ended=ended, failed=failed, history={"error_p95": usual}))
    assert (RuleName.ERROR_ANOMALY in found) is fires
    if fires:
        assert found[RuleName.ERROR_ANOMALY].threshold == usual


def test_an_open_breaker_is_critical_unless_an_operator_opened_it():
    seen = replace(
        CALM,
        breakers=(
            BreakerReading(name="payments", short_circuited=7),
            BreakerReading(name="mail", is_forced=True),
        ),
    )
    found = alert_rules.find(seen, RULES)
    assert [(f.object, f.severity, f.title) for f in found] == [
        ("payments", Severity.CRITICAL, "Breaker payments is open: 7 calls refused"),
        ("mail", Severity.INFO, "Breaker mail is open"),
    ]


def test_failures_that_no_retry_mends_lead_to_their_run():
    def failure(kind, number):
        return FailureReading(
            workflow="refunds",
            path="charge",
            error_type="AuthenticationError",
            kind=kind,
            count=number,
            run_id="r9",
        )

    kinds = (FailureKind.AUTHENTICATION, FailureKind.UNKNOWN, FailureKind.TIMEOUT)
    seen = replace(CALM, failures=tuple(failure(k, n) for n, k in enumerate(kinds, 1)))
    found = find(seen)
    assert set(found) == {RuleName.PERMANENT_FAILURE, RuleName.UNKNOWN_FAILURE}
    permanent = found[RuleName.PERMANENT_FAILURE]
    assert permanent.title == (
        "refunds: charge failed once with AuthenticationError (authentication)"
    )
    assert permanent.link == "run?run_id=r9"
    assert "key" in permanent.advice
    assert "2 times" in found[RuleName.UNKNOWN_FAILURE].title


def test_that_no_worker_is_alive_is_told():
    assert set(find(replace(CALM, workers_alive=0))) == {RuleName.NO_WORKER}


def test_a_policy_changes_bounds_and_switches_rules_off():
    rules = rules_with(
        {
            "error_rate": AlertRule(threshold=0.5, severity="info", for_s=5, hold_off_s=7),
            "latency": AlertRule(enabled=False),
            "no_such_rule": AlertRule(),
        }
    )
    changed = rules[RuleName.ERROR_RATE]
    assert (changed.threshold, changed.for_s, changed.hold_off_s) == (0.5, 5, 7)
    assert find(figures(failed=40, mean_ms=9000.0), rules) == {}
    assert find(figures(failed=60), rules)[RuleName.ERROR_RATE].severity is Severity.INFO
    assert rules[RuleName.DEGRADED] == RULES[RuleName.DEGRADED]


def test_every_rule_has_its_bounds_and_its_meaning():
    assert set(RULES) == set(RuleName)
    assert all(rule.meaning for rule in RULES.values())


def test_a_rule_without_a_bound_takes_none():
    rules = RULES | {RuleName.ERROR_RATE: replace(RULES[RuleName.ERROR_RATE], threshold=None)}
    assert RuleName.ERROR_RATE in find(figures(failed=1), rules)


@pytest.mark.parametrize(
    ("days", "before", "expected"),
    [
        ([40, 50, 60], [1, 1, 1], 50.0),
        ([40, 50], [10, 20, 30], 20.0),
        ([], [10, 20], None),
        ([0, 0, 0], [9, 9, 9], 0.0),
    ],
)
def test_what_is_usual_at_a_time_of_the_day_counts_first(days, before, expected):
    assert alert_rules.usual_traffic(days, before) == expected


def test_the_usual_share_of_failures_needs_hours_with_runs_enough():
    hours = [(100, n) for n in range(20)]
    assert alert_rules.usual_errors(hours) == 0.19
    assert alert_rules.usual_errors(hours[:11]) is None
    assert alert_rules.usual_errors([(4, 4)] * 50) is None
    assert alert_rules.usual_errors([(5, 1)] * 12) == 0.2


# What becomes of them -----------------------------------------------------------------------------


class Board:
    """The alerts as the database would keep them, on a clock that stands."""

    def __init__(self, rules=RULES) -> None:
        self.rules = rules
        self.now = NOW
        self.alerts: dict[str, Alert] = {}
        self.silences: list[Silence] = []
        self._ids = (f"a{n}" for n in count(1))

    def at(self, seconds, seen, covered=alert_rules.COVERED):
        """Look at some figures, so many seconds after the first look."""
        self.now = NOW + timedelta(seconds=seconds)
        moves = alert_moves.settle(
            alert_rules.find(seen, self.rules),
            [*self.alerts.values()],
            silences=self.silences,
            rules=self.rules,
            covered=covered,
            now=self.now,
            make_id=lambda: next(self._ids),
        )
        self.alerts |= {a.alert_id: a for a in moves.put}
        for alert_id in moves.drop:
            del self.alerts[alert_id]
        return moves

    def tell(self):
        """Tell people of what they have to be told; the statuses of it."""
        untold = alert_moves.find_untold(self.alerts.values(), self.rules, now=self.now)
        self.alerts |= {a.alert_id: replace(a, notified_at=self.now) for a in untold}
        return [a.status for a in untold]

    @property
    def statuses(self):
        return [a.status for a in self.alerts.values()]


BAD = figures(failed=50)
OPEN, RESOLVED, ACKNOWLEDGED = AlertStatus.OPEN, AlertStatus.RESOLVED, AlertStatus.ACKNOWLEDGED


def test_an_alert_is_opened_once_told_once_and_ends_with_its_cause():
    board = Board()
    assert board.at(0, BAD)
    assert board.tell() == [OPEN]
    assert not board.at(15, BAD)
    assert board.tell() == []
    board.at(30, CALM)
    assert board.statuses == [RESOLVED]
    assert board.alerts["a1"].resolved_at == NOW + timedelta(seconds=30)
    assert not board.at(45, CALM)


def test_what_is_seen_again_is_written_down_now_and_then():
    board = Board()
    board.at(0, BAD)
    assert not board.at(45, BAD)
    assert board.at(60, BAD)
    assert board.alerts["a1"].seen_at == NOW + timedelta(seconds=60)
    assert board.at(75, figures(failed=60))  # its figure moved
    assert board.alerts["a1"].value == 0.6


def test_a_cause_that_comes_back_within_the_hold_off_is_the_same_alert_and_tells_nobody():
    board = Board()
    board.at(0, BAD)
    board.tell()
    board.at(30, CALM)
    board.at(600, BAD)
    assert board.statuses == [OPEN]
    assert board.tell() == []
    board.at(615, CALM)
    board.at(1214, CALM)
    assert board.tell() == []  # its end is told when it has lasted
    board.at(1215, CALM)
    assert board.tell() == [RESOLVED]
    assert board.tell() == []
    board.at(1230, BAD)
    assert board.statuses == [RESOLVED, OPEN]
    assert board.tell() == [OPEN]


def test_the_newest_of_several_that_ended_is_the_one_that_comes_back():
    board = Board(rules_with({"error_rate": AlertRule(hold_off_s=10)}))
    for begin in (0, 100):
        board.at(begin, BAD)
        board.at(begin + 15, CALM)
    board.at(120, BAD)
    assert board.statuses == [RESOLVED, OPEN]


def test_an_end_is_not_told_where_nobody_was_told_of_the_beginning():
    board = Board()
    board.at(0, BAD)
    board.at(15, CALM)
    board.at(2000, CALM)
    assert board.tell() == []


def test_an_alert_that_somebody_looks_after_stays_so_when_it_comes_back():
    board = Board()
    board.at(0, BAD)
    board.alerts["a1"] = replace(board.alerts["a1"], status=ACKNOWLEDGED, acknowledged_at=board.now)
    board.at(15, BAD)
    assert board.statuses == [ACKNOWLEDGED]
    board.at(30, CALM)
    board.at(45, BAD)
    assert board.statuses == [ACKNOWLEDGED]
    assert board.tell() == []
    assert not board.alerts["a1"].is_calling


def test_a_rule_may_wait_until_its_cause_has_lasted():
    board = Board()
    nobody = replace(CALM, workers_alive=0)
    board.at(0, nobody)
    assert board.statuses == [AlertStatus.PENDING]
    assert board.tell() == []
    board.at(15, nobody)
    assert board.statuses == [AlertStatus.PENDING]
    board.at(30, nobody)
    assert board.statuses == [OPEN]
    assert board.alerts["a1"].fired_at == NOW


def test_a_cause_that_did_not_last_leaves_nothing():
    board = Board()
    board.at(0, replace(CALM, workers_alive=0))
    assert board.at(15, CALM).drop == ("a1",)
    assert board.alerts == {}


def test_who_looks_at_a_part_ends_only_alerts_of_that_part():
    board = Board()
    board.at(0, BAD)
    assert not board.at(15, CALM, covered={RuleName.NO_WORKER})
    assert board.statuses == [OPEN]


@pytest.mark.parametrize(("object_", "hushes"), [("refunds", True), ("", True), ("other", False)])
def test_a_silenced_alert_is_kept_and_told_when_the_silence_ends(object_, hushes):
    board = Board()
    board.silences = [
        Silence(
            silence_id="s1",
            rule="error_rate",
            object=object_,
            until=NOW + timedelta(seconds=100),
            created_at=NOW,
            created_by="ann",
        )
    ]
    board.at(0, BAD)
    assert board.alerts["a1"].silenced is hushes
    assert board.alerts["a1"].is_calling is not hushes
    assert board.tell() == ([] if hushes else [OPEN])
    board.at(100, BAD)
    assert not board.alerts["a1"].silenced
    assert board.tell() == ([OPEN] if hushes else [])


def test_what_is_only_worth_knowing_is_told_to_nobody():
    board = Board()
    board.at(0, replace(CALM, breakers=(BreakerReading(name="mail", is_forced=True),)))
    assert board.statuses == [OPEN]
    assert board.tell() == []


def test_an_outage_is_told_in_its_own_words():
    told = alert_rules.outage(RULES[RuleName.STORE_OUTAGE], "Connection refused.")
    assert (told.rule, told.severity) == (RuleName.STORE_OUTAGE, Severity.CRITICAL)
    assert told.advice.endswith("Connection refused.")
