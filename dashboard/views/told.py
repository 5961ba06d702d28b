"""What others are told: the rules with what is wrong with them, and what became of each message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.core.model.notice_rules import RuleKind
from interlock.core.model.notices import Notice, NoticeStatus, PublishedRule
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.figures import Figure
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_age_s,
    format_ago,
    format_count,
    format_exact,
    format_plural,
)
from interlock.dashboard.views.notices import Link

if TYPE_CHECKING:
    from interlock.core.services.notice_desk import NoticeList

PAGE_COUNT = 25
ALL = "All"
FILTERS: Mapping[str, tuple[str, ...]] = {
    ALL: (),
    "Waiting": (NoticeStatus.WAITING.value,),
    "Sent": (NoticeStatus.SENT.value,),
    "Given up": (NoticeStatus.GIVEN_UP.value,),
}
LOOKS = {
    NoticeStatus.WAITING: Look(Tone.RUNNING, "waiting", ":material/schedule_send:"),
    NoticeStatus.SENT: Look(Tone.DONE, "sent", ":material/done:"),
    NoticeStatus.NEEDLESS: Look(Tone.QUIET, "needless", ":material/do_not_disturb_on:"),
    NoticeStatus.GIVEN_UP: Look(Tone.FAILED, "given up", ":material/error:"),
}
IN_FORCE = Look(Tone.DONE, "in force", ":material/check_circle:")
WRONG = Look(Tone.FAILED, "wrong", ":material/error:")
_STALE_S = 300.0  # a rule that no worker has told of for so long is probably gone
UNKNOWN = Look(Tone.QUIET, "no worker has it", ":material/help:")
_FILTERS = ("workflow", "risk", "group", "status")

Row = Mapping[str, str | Look]


@dataclass(frozen=True, kw_only=True)
class ToldView:
    """Everything the page draws; `given_up` are the ids of those on it that may be tried again."""

    figures: tuple[Figure, ...]
    rules: tuple[Row, ...]
    rule_names: tuple[str, ...]
    problems: tuple[str, ...]
    no_rules: str
    rows: tuple[Row, ...]
    ids: tuple[str, ...]
    links: Mapping[str, Link]
    given_up: tuple[str, ...]
    has_more: bool
    summary: str
    as_of: str


def build(told: NoticeList, *, shown: str = ALL) -> ToldView:
    """
    Put the page together.

    Args:
        told: What there is, one message more than the page has room for.
        shown: The filter that it was read with.
    """
    now, rows = told.at, told.notices[:PAGE_COUNT]
    links = {n.notice_id: link for n in rows if (link := _link(n)) is not None}
    return ToldView(
        figures=tuple(_figure(told, status) for status in LOOKS),
        rules=tuple(_rule_row(rule, now) for rule in told.rules),
        rule_names=tuple(dict.fromkeys(rule.name for rule in told.rules)),
        problems=tuple(line for rule in told.rules for line in _problems(rule)),
        no_rules="" if told.rules else "No rule: nobody is told of anything but alerts.",
        rows=tuple(_row(notice, now) for notice in rows),
        ids=tuple(notice.notice_id for notice in rows),
        links=links,
        given_up=tuple(n.notice_id for n in rows if n.status is NoticeStatus.GIVEN_UP),
        has_more=len(told.notices) > PAGE_COUNT,
        summary=_say_summary(told, shown),
        as_of=f"as of {format_exact(now)}; messages are kept for 14 days",
    )


def _say_summary(told: NoticeList, shown: str) -> str:
    if told.notices:
        return ""
    if shown != ALL:
        return "No message is like this."
    return (
        "Nothing was told yet." if told.rules else "A rule in interlock.toml would fill this list."
    )


def _figure(told: NoticeList, status: NoticeStatus) -> Figure:
    count = told.counts.get(status, 0)
    notes = {
        NoticeStatus.WAITING: "on their way",
        NoticeStatus.SENT: "arrived",
        NoticeStatus.NEEDLESS: "decided before",
        NoticeStatus.GIVEN_UP: "did not arrive",
    }
    return Figure(
        LOOKS[status].word.capitalize(),
        format_count(count),
        notes[status],
        alarm=status is NoticeStatus.GIVEN_UP and count > 0,
    )


def _rule_row(rule: PublishedRule, now: datetime) -> Row:
    about = rule.about
    return {
        "rule": rule.name,
        "state": _look(rule, now),
        "tells": "people" if rule.kind is RuleKind.PEOPLE else "a program",
        "to": ", ".join(str(each) for each in about.get("to", ())),
        "of": ", ".join(str(each) for each in about.get("events", ())),
        "only": _say_filters(about),
        "payload": "yes" if about.get("payload") else "no",
    }


def _look(rule: PublishedRule, now: datetime) -> Look:
    if any(rule.about.get("problems", ())):
        return WRONG
    is_stale = (now - rule.seen_at).total_seconds() > _STALE_S
    return UNKNOWN if is_stale else IN_FORCE


def _problems(rule: PublishedRule) -> list[str]:
    given = rule.about.get("problems", ())
    return [f"{rule.name}, address {n}: {each}" for n, each in enumerate(given, 1) if each]


def _say_filters(about: Mapping[str, Any]) -> str:
    words = [f"{name} {', '.join(about[name])}" for name in _FILTERS if about.get(name)]
    if about.get("waits_s"):
        words.append(f"waiting {format_age_s(about['waits_s'])}")
    if any(str(event).startswith("alert.") for event in about.get("events", ())):
        words.append(f"alerts from {about.get('severity', 'warning')} on")
    return "; ".join(words) or NOTHING


def _row(notice: Notice, now: datetime) -> Row:
    return {
        "when": format_ago(notice.created_at, now),
        "state": LOOKS[notice.status],
        "event": notice.event.value,
        "rule": notice.rule,
        "to": notice.target,
        "about": show_hidden(notice.workflow or notice.object),
        "tries": _say_tries(notice, now),
        "last error": show_hidden(notice.last_error) or NOTHING,
    }


def _say_tries(notice: Notice, now: datetime) -> str:
    tries = format_count(notice.tries)
    left_s = (notice.next_at - now).total_seconds()
    if notice.status is not NoticeStatus.WAITING or left_s <= 0:
        return tries
    return f"{tries}, next in {format_age_s(left_s)}"


def _link(notice: Notice) -> Link | None:
    kind, _, object_id = notice.object.partition(":")
    match kind:
        case "approval":
            return Link("See the card", "inbox", {"approval_id": object_id})
        case "run":
            return Link("See the run", "run", {"run_id": object_id})
        case "alert":
            return Link("See the alerts", "alerts")
        case _:
            return None


def say_again(count: int) -> str:
    """The button that tries messages again."""
    return f"Try {format_plural(count, 'message')} again"
