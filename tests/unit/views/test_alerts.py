"""The alerts as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.alerts import (
    RULES,
    Alert,
    AlertStatus,
    RuleName,
    Severity,
    Silence,
    rules_with,
)
from interlock.core.model.policies import AlertRule
from interlock.dashboard.views import alerts
from interlock.dashboard.views.formatting import NOTHING

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@dataclass
class Found:
    """What the service would say."""

    open: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()
    silences: tuple[Silence, ...] = ()
    at: datetime = NOW


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def alert(alert_id="a1", **changes):
    plain = Alert(
        alert_id=alert_id,
        rule=RuleName.ERROR_RATE,
        object="refunds",
        severity=Severity.CRITICAL,
        title="refunds: 50 % of 10 runs failed",
        advice="Look at them.",
        link="runs?status=failed&workflow=refunds",
        value=0.5,
        threshold=0.05,
        status=AlertStatus.OPEN,
        fired_at=ago(300),
        seen_at=ago(5),
    )
    return replace(plain, **changes)


def silence(**changes):
    plain = Silence(
        silence_id="s1",
        rule="error_rate",
        object="refunds",
        until=NOW + timedelta(minutes=10),
        created_at=NOW,
        created_by="ann",
    )
    return replace(plain, **changes)


def build(**found):
    return alerts.build(Found(**found), rules=RULES)


def test_that_nothing_is_wrong_is_said():
    view = build()
    assert len(RULES) > 9
    assert view.nothing == (
        f"Nothing is wrong. While a worker runs, {len(RULES)} rules are looked at every 15 s."
    )
    assert (view.summary, view.tiles, view.ended) == ("", (), ())
    assert view.nothing_ended == "No alert has ended yet."


def test_what_asks_for_somebody_most_urgently_is_first():
    view = build(
        open=(
            alert("silenced", silenced=True),
            alert("seen", status=AlertStatus.ACKNOWLEDGED),
            alert("young", fired_at=ago(10)),
            alert("warning", severity=Severity.WARNING),
            alert("old"),
        )
    )
    assert [t.alert_id for t in view.tiles] == ["old", "young", "warning", "seen", "silenced"]
    assert view.summary == "3 ask for somebody · 1 looked after · 1 silenced"
    assert view.nothing == ""
    assert build(open=(alert(),)).summary == "1 asks for somebody"


def test_a_tile_says_since_when_what_to_do_and_where():
    (tile,) = build(open=(alert(notified_at=ago(240)),)).tiles
    assert tile.line == "error rate · for 5 min · bound 5.0 % · told 4 min ago"
    assert tile.look.word == "critical"
    assert tile.advice == "Look at them."
    assert tile.link is not None
    assert (tile.link.page, dict(tile.link.params)) == (
        "runs",
        {"status": "failed", "workflow": "refunds"},
    )
    assert (tile.can_acknowledge, tile.seen_to) == (True, "")


def test_a_tile_says_who_looks_after_it_and_that_it_is_silenced():
    seen = alert(
        status=AlertStatus.ACKNOWLEDGED,
        acknowledged_by="ann",
        acknowledged_at=ago(60),
        silenced=True,
    )
    (tile,) = build(open=(seen,), silences=(silence(object="other"), silence())).tiles
    assert tile.seen_to == "ann looks after it, 1 min ago. Silenced by ann, 10:00 left"
    assert not tile.can_acknowledge
    (noted,) = build(open=(replace(seen, note="new key"),)).tiles
    assert noted.seen_to == "ann looks after it, 1 min ago: new key"


@pytest.mark.parametrize(
    ("rule", "threshold", "expected"),
    [
        (RuleName.LATENCY, 5000.0, "latency · for 5 min · bound 5.00 s"),
        (RuleName.BREAKER, None, "breaker · for 5 min"),
    ],
)
def test_a_bound_is_said_in_its_unit(rule, threshold, expected):
    assert build(open=(alert(rule=rule, threshold=threshold),)).tiles[0].line == expected


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("figures?workflow=refunds", "figures"),
        ("overview", "overview"),
        ("https://elsewhere", None),
        ("", None),
    ],
)
def test_a_link_leads_to_a_page_of_ours_or_nowhere(link, page):
    found = alerts.read_link(link)
    assert (found.page if found else None) == page


def test_silences_say_of_what_until_when_and_why():
    whole = silence(silence_id="s2", object="", reason="release")
    rows = build(silences=(silence(), whole)).silences
    assert [(r.what, r.line) for r in rows] == [
        ("error rate, refunds", "10:00 left, by ann"),
        ("error rate, whatever it is about", "10:00 left, by ann: release"),
    ]


def test_what_has_ended_is_a_page_of_rows_that_lead_to_their_causes():
    ended = [
        alert(f"a{n}", status=AlertStatus.RESOLVED, resolved_at=ago(100), link="nowhere")
        for n in range(alerts.PAGE_COUNT + 1)
    ]
    ended[0] = replace(ended[0], acknowledged_by="ann", note="\u202eevil", link="overview")
    ended[1] = replace(ended[1], resolved_at=None)
    view = build(ended=tuple(ended))
    assert view.has_more
    assert len(view.ended) == len(view.ended_ids) == alerts.PAGE_COUNT
    assert [*view.ended_links] == ["a0"]
    first, second = view.ended[:2]
    assert (first["Began"], first["Lasted"], first["Seen to by"]) == (
        "5 min ago",
        "3 m 20 s",
        "ann",
    )
    assert "\u202e" not in first["Note"]
    assert (second["Lasted"], second["Seen to by"]) == (NOTHING, NOTHING)
    assert view.nothing_ended == ""


def test_the_rules_are_shown_as_they_hold():
    rules = rules_with({"traffic": AlertRule(enabled=False, threshold=0.25)})
    rows = {row["Rule"]: row for row in alerts.build(Found(), rules=rules).rules}
    assert rows["traffic"]["Bound"] == "25.0 %"
    assert rows["traffic"]["Watched"] == "switched off"
    assert rows["latency"]["Bound"] == "5.00 s"
    assert (rows["no_worker"]["After"], rows["breaker"]["After"]) == ("30.0 s", "at once")
    assert rows["breaker"]["Bound"] == NOTHING


def test_the_menu_says_how_many_ask_for_somebody():
    assert (alerts.title_of_menu(0), alerts.title_of_menu(3)) == ("Alerts", "Alerts (3)")
