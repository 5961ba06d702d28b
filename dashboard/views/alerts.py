"""The alerts: what is wrong and asks for somebody first, then what was, what is kept quiet, and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from interlock.core.model.alerts import (
    SEVERITY_RANK,
    Alert,
    AlertStatus,
    Rule,
    RuleName,
    Rules,
    Severity,
    Silence,
)
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_age,
    format_ago,
    format_countdown,
    format_duration_ms,
    format_exact,
    format_plural,
    format_ratio,
    format_seconds,
)
from interlock.dashboard.views.notices import Link, PageName

if TYPE_CHECKING:
    from interlock.core.services.alerting import AlertList

PAGE_COUNT = 25
SILENCES = {
    "15 min": timedelta(minutes=15),
    "1 h": timedelta(hours=1),
    "4 h": timedelta(hours=4),
    "1 d": timedelta(days=1),
    "7 d": timedelta(days=7),
}
DEFAULT_SILENCE = "1 h"

_LOOKS = {
    Severity.CRITICAL: Look(Tone.FAILED, "critical", ":material/error:"),
    Severity.WARNING: Look(Tone.QUIET, "warning", ":material/warning:"),
    Severity.INFO: Look(Tone.QUIET, "info", ":material/info:"),
}
# Addresses that lead to a cause: the page, and what its link says.
_WAYS: Mapping[str, tuple[PageName, str]] = {
    "runs": ("runs", "See the runs"),
    "run": ("run", "See the run"),
    "figures": ("figures", "See the figures"),
    "breakers": ("breakers", "See the breakers"),
    "overview": ("overview", "See the overview"),
}


@dataclass(frozen=True, kw_only=True)
class AlertTile:
    """One alert that holds now. `seen_to` says who looks after it, or until when it is silenced."""

    alert_id: str
    look: Look
    title: str
    line: str
    exact: str
    advice: str
    seen_to: str
    link: Link | None
    can_acknowledge: bool


@dataclass(frozen=True, kw_only=True)
class SilenceRow:
    """What tells nobody, and until when."""

    silence_id: str
    what: str
    line: str


@dataclass(frozen=True, kw_only=True)
class AlertsView:
    """Everything the page draws; `ended` are table rows, `ended_ids` and `ended_links` go with them."""

    summary: str
    nothing: str
    tiles: tuple[AlertTile, ...]
    silences: tuple[SilenceRow, ...]
    ended: tuple[Mapping[str, str | Look], ...]
    ended_ids: tuple[str, ...]
    ended_links: Mapping[str, Link]
    has_more: bool
    nothing_ended: str
    rules: tuple[Mapping[str, str | Look], ...]
    as_of: str


def build(found: AlertList, *, rules: Rules) -> AlertsView:
    """
    Put the page together.

    Args:
        found: The alerts; of those that ended one more than a page shows, if there are more.
        rules: The rules in force.
    """
    now = found.at
    silent = {a.alert_id: _silence_of(a, found.silences, now) for a in found.open}
    tiles = [_tile(a, silent[a.alert_id], now) for a in sorted(found.open, key=_urgency)]
    ended = found.ended[:PAGE_COUNT]
    links = {a.alert_id: link for a in ended if (link := read_link(a.link)) is not None}
    return AlertsView(
        summary=_summarize(found.open) if found.open else "",
        nothing="" if found.open else _say_nothing(rules),
        tiles=tuple(tiles),
        silences=tuple(_silence_row(s, now) for s in found.silences),
        ended=tuple(_ended_row(a, now) for a in ended),
        ended_ids=tuple(a.alert_id for a in ended),
        ended_links=links,
        has_more=len(found.ended) > PAGE_COUNT,
        nothing_ended="" if ended else "No alert has ended yet.",
        rules=tuple(_rule_row(rule) for rule in rules.values()),
        as_of=f"as of {format_exact(now)}",
    )


def read_link(link: str) -> Link | None:
    """The way to a cause, from its address as the alert keeps it; None if it leads to no page of ours."""
    address, _, query = link.partition("?")
    if address not in _WAYS:
        return None
    page, label = _WAYS[address]
    return Link(label, page, dict(parse_qsl(query)))


def title_of_menu(calling: int) -> str:
    """The page's name in the menu, with how many ask for somebody."""
    return f"Alerts ({calling})" if calling else "Alerts"


def _urgency(alert: Alert) -> tuple[bool, int, datetime, str]:
    return (
        not alert.is_calling,
        SEVERITY_RANK[alert.severity],
        alert.fired_at,
        alert.alert_id,
    )


def _summarize(alerts: Sequence[Alert]) -> str:
    calling = sum(a.is_calling for a in alerts)
    seen_to = sum(a.status is AlertStatus.ACKNOWLEDGED for a in alerts)
    quiet = sum(a.silenced and a.status is AlertStatus.OPEN for a in alerts)
    parts = [
        "1 asks for somebody" if calling == 1 else f"{calling} ask for somebody",
        f"{seen_to} looked after" if seen_to else "",
        f"{quiet} silenced" if quiet else "",
    ]
    return " · ".join(part for part in parts if part)


def _say_nothing(rules: Rules) -> str:
    watched = format_plural(sum(rule.enabled for rule in rules.values()), "rule")
    return f"Nothing is wrong. While a worker runs, {watched} are looked at every 15 s."


def _tile(alert: Alert, silence: Silence | None, now: datetime) -> AlertTile:
    return AlertTile(
        alert_id=alert.alert_id,
        look=_LOOKS[alert.severity],
        title=alert.title,
        line=_line(alert, now),
        exact=f"since {format_exact(alert.fired_at)}, last seen {format_exact(alert.seen_at)}",
        advice=alert.advice,
        seen_to=_say_seen_to(alert, silence, now),
        link=read_link(alert.link),
        can_acknowledge=alert.status is AlertStatus.OPEN,
    )


def _line(alert: Alert, now: datetime) -> str:
    bound = _say_bound(alert.rule, alert.threshold)
    parts = [
        say_rule(alert.rule),
        f"for {format_age(alert.fired_at, now)}",
        f"bound {bound}" if bound != NOTHING else "",
        f"told {format_ago(alert.notified_at, now)}" if alert.notified_at else "",
    ]
    return " · ".join(part for part in parts if part)


def _say_seen_to(alert: Alert, silence: Silence | None, now: datetime) -> str:
    said = []
    if alert.acknowledged_by is not None:
        note = f": {alert.note}" if alert.note else ""
        ago = format_ago(alert.acknowledged_at, now)
        said.append(f"{alert.acknowledged_by} looks after it, {ago}{note}")
    if silence is not None:
        said.append(f"Silenced by {silence.created_by}, {format_countdown(silence.until, now)}")
    return ". ".join(said)


def _silence_of(alert: Alert, silences: Sequence[Silence], now: datetime) -> Silence | None:
    return next((s for s in silences if s.covers(alert.rule, alert.object, now=now)), None)


def _silence_row(silence: Silence, now: datetime) -> SilenceRow:
    about = silence.object or "whatever it is about"
    reason = f": {silence.reason}" if silence.reason else ""
    return SilenceRow(
        silence_id=silence.silence_id,
        what=f"{say_rule(silence.rule)}, {about}",
        line=f"{format_countdown(silence.until, now)}, by {silence.created_by}{reason}",
    )


def _ended_row(alert: Alert, now: datetime) -> Mapping[str, str | Look]:
    lasted = None if alert.resolved_at is None else alert.resolved_at - alert.fired_at
    return {
        "Severity": _LOOKS[alert.severity],
        "What": show_hidden(alert.title),
        "Began": format_ago(alert.fired_at, now),
        "Lasted": format_seconds(lasted.total_seconds() if lasted is not None else None),
        "Seen to by": show_hidden(alert.acknowledged_by or NOTHING),
        "Note": show_hidden(alert.note),
    }


def _rule_row(rule: Rule) -> Mapping[str, str | Look]:
    return {
        "Rule": rule.name.value,
        "Severity": _LOOKS[rule.severity],
        "Bound": _say_bound(rule.name, rule.threshold),
        "After": format_seconds(rule.for_s) if rule.for_s else "at once",
        "Hold-off": format_seconds(rule.hold_off_s),
        "Watched": "yes" if rule.enabled else "switched off",
        "Meaning": rule.meaning,
    }


def say_rule(rule: str) -> str:
    """A rule's name in a sentence."""
    return rule.replace("_", " ")


def _say_bound(rule: RuleName, threshold: float | None) -> str:
    if threshold is None:
        return NOTHING
    if rule is RuleName.LATENCY:
        return format_duration_ms(threshold)
    return format_ratio(threshold)
