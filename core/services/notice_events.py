"""What happened, in the words in which it is told: one occurrence a fact, with what a payload would add."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from interlock.core.model.alerts import HOLD_OFF_S, Alert
from interlock.core.model.approvals import ApprovalSummary, Decision
from interlock.core.model.notice_rules import Event, Occurrence, Rule
from interlock.core.model.routes import GROUP
from interlock.core.model.runs import RunSummary
from interlock.core.store import approvals, occurrences
from interlock.core.store.occurrences import Moved, Span

AddPayload = Callable[[Connection], Mapping[str, Any]]
HOLD_OFF = timedelta(seconds=HOLD_OFF_S)  # an alert that comes back within it was not over
_VERBS = {  # of the audit
    Event.CARD_ESCALATED: ("escalate",),
    Event.CARD_ASSIGNED: ("assign", "forward"),
}


@dataclass(frozen=True)
class Seen:
    """Something that happened, and what may be told besides where a rule says so."""

    what: Occurrence
    add_payload: AddPayload


class Reader:
    """
    Reads what any of the rules may tell of.

    What was `told` already is not made again: it is only known by its event and its key, as
    `Occurrence.token` has them.
    """

    def __init__(self, conn: Connection, rules: Collection[Rule], told: Container[str]) -> None:
        self._conn = conn
        self._told = told
        self._wanted = frozenset(event for rule in rules for event in rule.wanted)
        self._waits = sorted({rule.waits_s for rule in rules if rule.waits_s is not None})

    def read(self, span: Span, *, asked_since: datetime) -> Iterator[Seen]:
        """
        All that happened within a span of time.

        Args:
            span: From when, and up to now.
            asked_since: Since when the cards were asked that may wait too long by now.
        """
        yield from self._cards(span)
        for waits_s in self._waits:
            yield from self._waiting(Span(asked_since, span.until), waits_s)
        yield from self._moves(span)
        yield from self._decisions(span)
        if Event.RUN_ENDED in self._wanted:
            for run in occurrences.ended(self._conn, span):
                if self._is_news(Event.RUN_ENDED, run.run_id):
                    yield _of_run(run)
        yield from self._alerts(span)

    def _is_news(self, event: Event, key: str) -> bool:
        return event in self._wanted and token(event, key) not in self._told

    def _cards(self, span: Span) -> Iterator[Seen]:
        if Event.CARD_ASKED in self._wanted:
            for card in occurrences.asked(self._conn, span):
                if self._is_news(Event.CARD_ASKED, key := _version_of(card)):
                    yield _of_card(Event.CARD_ASKED, card, card.asked_at, key=key)
        if Event.CARD_WARNED in self._wanted:
            for card in occurrences.warned(self._conn, span):
                at = card.warn_at or card.asked_at
                if self._is_news(Event.CARD_WARNED, key := f"{_version_of(card)}:{_iso(at)}"):
                    yield _of_card(Event.CARD_WARNED, card, at, key=key)

    def _waiting(self, span: Span, waits_s: float) -> Iterator[Seen]:
        wait = timedelta(seconds=waits_s)
        for card in occurrences.waiting(self._conn, Span(span.since, span.until - wait)):
            key = f"{_version_of(card)}:{waits_s:g}"
            if self._is_news(Event.CARD_WAITING, key):
                at = card.asked_at + wait
                yield _of_card(Event.CARD_WAITING, card, at, key=key, waits_s=waits_s)

    def _moves(self, span: Span) -> Iterator[Seen]:
        for event, verbs in _VERBS.items():
            for verb in verbs if event in self._wanted else ():
                for each in occurrences.moved(self._conn, span, verb):
                    if not self._is_news(event, str(each.seq)):
                        continue
                    card = approvals.fetch_summary(self._conn, each.approval_id)
                    if card is not None:
                        yield _of_move(event, each, card)

    def _decisions(self, span: Span) -> Iterator[Seen]:
        if not self._wanted & {Event.CARD_DECIDED, Event.CARD_TIMED_OUT}:
            return
        for decision in occurrences.decided(self._conn, span):
            events = (Event.CARD_DECIDED, Event.CARD_TIMED_OUT)[: 2 if decision.by_deadline else 1]
            news = [each for each in events if self._is_news(each, decision.decision_id)]
            if not news:
                continue
            card = approvals.fetch_summary(self._conn, decision.approval_id)
            if card is not None:
                yield from (_of_decision(event, decision, card) for event in news)

    def _alerts(self, span: Span) -> Iterator[Seen]:
        if Event.ALERT_FIRED in self._wanted:
            for alert in occurrences.fired(self._conn, span):
                if self._is_news(Event.ALERT_FIRED, alert.alert_id):
                    yield _of_alert(Event.ALERT_FIRED, alert, alert.fired_at, key=alert.alert_id)
        if Event.ALERT_ENDED in self._wanted:
            ended = Span(span.since - HOLD_OFF, span.until - HOLD_OFF)
            for alert in occurrences.over(self._conn, ended):
                at = alert.resolved_at or alert.fired_at
                if self._is_news(Event.ALERT_ENDED, key := f"{alert.alert_id}:{_iso(at)}"):
                    yield _of_alert(Event.ALERT_ENDED, alert, at + HOLD_OFF, key=key)


def token(event: Event, key: str) -> str:
    """What tells something that happened from all else."""
    return f"{event.value} {key}"


def _of_card(
    event: Event,
    card: ApprovalSummary,
    at: datetime,
    *,
    key: str,
    waits_s: float | None = None,
    more: Mapping[str, Any] | None = None,
    add: Mapping[str, Any] | None = None,
) -> Seen:
    approvers = card.route.approvers or ()
    names = (*((card.escalated_to,) if card.escalated_to else ()), *approvers)
    what = Occurrence(
        event=event,
        key=key,
        at=at,
        object=f"approval:{card.approval_id}",
        link=f"inbox?approval_id={quote(card.approval_id, safe='')}",
        workflow=card.workflow,
        risk=card.risk,
        groups=tuple(dict.fromkeys(name.removeprefix(GROUP) for name in names)),
        waits_s=waits_s,
        data={
            "approval_id": card.approval_id,
            "version": card.version,
            "thread_id": card.thread_id,
            "run_id": card.run_id,
            "workflow": card.workflow,
            "node": card.node,
            "kind": card.kind.value,
            "risk": card.risk,
            "status": card.status.value,
            "asked_at": _iso(card.asked_at),
            "deadline_at": _iso(card.deadline_at),
            "escalated_to": card.escalated_to,
            "approvers": None if card.route.approvers is None else list(card.route.approvers),
            "quorum": card.route.quorum,
            **(more or {}),
        },
    )

    def read_payload(conn: Connection) -> Mapping[str, Any]:
        whole = approvals.fetch(conn, card.approval_id)
        payload = None if whole is None else whole.payload
        return {"title": card.title, "payload": payload, **(add or {})}

    return Seen(what, read_payload)


def _of_move(event: Event, moved: Moved, card: ApprovalSummary) -> Seen:
    """A card that was given to a group or to somebody; whoever was given it is who is told."""
    seen = _of_card(event, card, moved.at, key=str(moved.seq))
    if event is not Event.CARD_ASSIGNED:
        return seen
    after = moved.after if isinstance(moved.after, dict) else {}
    to = str(after.get("claimed_by") or "")
    data = {**seen.what.data, "assigned_to": to, "assigned_by": moved.actor}
    return replace(seen, what=replace(seen.what, groups=(to,), data=data))


def _of_decision(event: Event, decision: Decision, card: ApprovalSummary) -> Seen:
    told = {
        "decision_id": decision.decision_id,
        "version": decision.version,
        "actor": decision.actor,
        "verb": decision.verb.value,
        "decided_at": _iso(decision.decided_at),
        "seconds_to_decide": decision.seconds_to_decide,
        "run_id": decision.run_id,
        "by_deadline": decision.by_deadline,
    }
    return _of_card(
        event,
        card,
        decision.decided_at,
        key=decision.decision_id,
        more={"decision": told},
        add={"answer": decision.answer, "reason": decision.reason},
    )


def _of_run(run: RunSummary) -> Seen:
    what = Occurrence(
        event=Event.RUN_ENDED,
        key=run.run_id,
        at=run.ended_at or run.created_at,
        object=f"run:{run.run_id}",
        link=f"run?run_id={quote(run.run_id, safe='')}",
        workflow=run.workflow,
        status=run.status.value,
        data={
            "run_id": run.run_id,
            "thread_id": run.thread_id,
            "workflow": run.workflow,
            "kind": run.kind.value,
            "status": run.status.value,
            "variant": run.variant,
            "created_at": _iso(run.created_at),
            "created_by": run.created_by,
            "started_at": _iso(run.started_at),
            "ended_at": _iso(run.ended_at),
            "error_type": None if run.error is None else run.error.type,
            "is_degraded": run.is_degraded,
        },
    )
    return Seen(what, _add_nothing)


def _of_alert(event: Event, alert: Alert, at: datetime, *, key: str) -> Seen:
    what = Occurrence(
        event=event,
        key=key,
        at=at,
        object=f"alert:{alert.alert_id}",
        link=alert.link,
        severity=alert.severity.value,
        data={
            "alert_id": alert.alert_id,
            "rule": alert.rule.value,
            "about": alert.object,
            "severity": alert.severity.value,
            "status": alert.status.value,
            "title": alert.title,
            "advice": alert.advice,
            "fired_at": _iso(alert.fired_at),
            "resolved_at": _iso(alert.resolved_at),
        },
    )
    return Seen(what, _add_nothing)


def _add_nothing(_: Connection) -> Mapping[str, Any]:
    return {}


def _version_of(card: ApprovalSummary) -> str:
    return f"{card.approval_id}:{card.version}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
