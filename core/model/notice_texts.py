"""
What is sent: a title and a few lines for people, one document for programs.

Without `payload` there is nothing in it that an agent wrote or that a card is about: names, times, ids and
a link. What agents wrote cannot ping a channel or become a link of its own in a chat that reads marks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.core.masking import mask_fields
from interlock.core.model.notice_rules import Event, Occurrence
from interlock.core.model.notices import Notice
from interlock.core.model.texts import cut

MAX_PAYLOAD_CHARS = 2000  # in what people read
MAX_BODY_CHARS = 200_000  # of a document; what makes it longer is left out, and said
MAX_LISTED = 10  # of many messages in one
_QUIET = str.maketrans({"@": "@\u200b", "<": "\u2039", ">": "\u203a"})
_HEADS = {
    Event.CARD_ASKED: "A decision is needed",
    Event.CARD_WAITING: "A decision is still waited for",
    Event.CARD_WARNED: "A deadline is near",
    Event.CARD_ESCALATED: "A card was escalated",
    Event.CARD_ASSIGNED: "A card was given to somebody",
    Event.CARD_DECIDED: "A card was decided",
    Event.CARD_TIMED_OUT: "A deadline has decided",
    Event.RUN_ENDED: "A run has ended",
    Event.ALERT_FIRED: "Alert",
    Event.ALERT_ENDED: "Over",
    Event.TEST: "Test",
}


def make_inert(text: str) -> str:
    """A text of an agent or a person, so that no chat calls somebody or makes a link for it."""
    plain = "".join(c for c in text if c.isprintable() or c in "\n\t")
    return plain.translate(_QUIET).replace("](", "] (")


def compose(
    seen: Occurrence, *, public_url: str = "", payload: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """
    What people are sent: `title`, `text`, `line`, which stands for it among many, and Apprise's `kind` of it.

    Args:
        seen: What happened.
        public_url: Where people open the dashboard; without it there is no link.
        payload: What the rule lets be told besides; None where it does not.
    """
    about = _say_about(seen)
    title = make_inert(f"{_HEADS[seen.event]}: {about}" if about else _HEADS[seen.event])
    link = link_to(seen.link, public_url)
    lines = [*_say_more(seen), *([] if payload is None else _say_payload(payload)), link]
    return {
        "title": cut(title, 200),
        "text": "\n".join(line for line in lines if line),
        "line": " ".join(part for part in (title, link) if part),
        "kind": _find_kind(seen),
    }


def join(notices: Sequence[Notice]) -> dict[str, str]:
    """Many messages to the same people as one: the first of them, and how many more there are."""
    lines = [str(notice.body.get("line", "")) for notice in notices]
    left = len(lines) - MAX_LISTED
    more = [f"and {left} more"] if left > 0 else []
    title = f"{len(lines)} messages from Interlock"
    return {"title": title, "text": "\n".join([*lines[:MAX_LISTED], *more])}


def make_document(
    seen: Occurrence, *, public_url: str = "", payload: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """
    What a program is sent, as the Standard Webhooks put it: `type`, `timestamp`, `data`.

    A payload that makes it too long is left out, and said to be.
    """
    data = {**seen.data, "link": link_to(seen.link, public_url) or None}
    document = {"type": seen.event.value, "timestamp": seen.at.isoformat(), "data": data}
    if payload is None:
        return document
    whole = {**document, "data": {**data, **mask_fields(dict(payload))}}
    size = len(dump(whole))
    if size <= MAX_BODY_CHARS:
        return whole
    return {**document, "data": {**data, "payload_left_out": f"It has {size} characters."}}


def dump(document: Mapping[str, Any]) -> str:
    """The document as it is sent and signed: the same each time it is tried."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), default=str)


def link_to(link: str, public_url: str) -> str:
    """A page of ours as others open it; empty where nobody said under which address they do."""
    return f"{public_url.rstrip('/')}/{link}" if public_url and link else ""


def _find_kind(seen: Occurrence) -> str:
    """By which services choose a colour or a picture."""
    if seen.event is Event.ALERT_FIRED:
        return "failure" if seen.severity == "critical" else "warning"
    if seen.event is Event.ALERT_ENDED:
        return "success"
    is_urgent = seen.event in {Event.CARD_WARNED, Event.CARD_ESCALATED, Event.CARD_WAITING}
    return "warning" if is_urgent else "info"


def _say_about(seen: Occurrence) -> str:
    data = seen.data
    if seen.event in {Event.ALERT_FIRED, Event.ALERT_ENDED}:
        severity = f"[{seen.severity}] " if seen.event is Event.ALERT_FIRED else ""
        return f"{severity}{data.get('title', '')}"
    if seen.event is Event.RUN_ENDED:
        return f"{seen.workflow}, {seen.status}"
    if seen.event is Event.TEST:
        return str(data.get("rule", ""))
    node = f", {data['node']}" if data.get("node") else ""
    risk = f" ({seen.risk} risk)" if seen.risk else ""
    return f"{seen.workflow}{node}{risk}"


def _say_more(seen: Occurrence) -> Iterable[str]:
    data = seen.data
    match seen.event:
        case Event.ALERT_FIRED | Event.ALERT_ENDED:
            yield make_inert(str(data.get("advice", "")))
        case Event.RUN_ENDED:
            error = data.get("error_type")
            yield make_inert(f"It failed with {error}.") if error else ""
        case Event.TEST:
            yield f"Sent by {make_inert(str(data.get('actor', '')))} to see whether it arrives."
        case Event.CARD_DECIDED | Event.CARD_TIMED_OUT:
            decision = data.get("decision") or {}
            who = "Its deadline" if decision.get("by_deadline") else decision.get("actor", "")
            yield make_inert(f"{who} chose {decision.get('verb', '')}.")
        case Event.CARD_ASSIGNED:
            yield make_inert(f"{data.get('assigned_by')} gave it to {data.get('assigned_to')}.")
            yield from _say_waiting(replace(seen, groups=()))
        case _:
            yield from _say_waiting(seen)


def _say_waiting(seen: Occurrence) -> Iterable[str]:
    data = seen.data
    yield f"Asked at {_when(data.get('asked_at'))}."
    if data.get("deadline_at"):
        yield f"Its deadline is {_when(data['deadline_at'])}."
    if data.get("escalated_to"):
        yield f"It is for {data['escalated_to']} now."
    elif seen.groups:
        yield f"It is for {', '.join(seen.groups)}."


def _say_payload(payload: Mapping[str, Any]) -> Iterable[str]:
    for name, value in mask_fields(dict(payload)).items():
        if value in (None, ""):
            continue
        text = (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        )
        yield f"{name}: {cut(make_inert(text), MAX_PAYLOAD_CHARS)}"


def _when(moment: Any) -> str:
    """A moment of `data`, which has it as JSON does."""
    if not isinstance(moment, str):
        return "an unknown time"
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
