"""
What a run streamed: texts put together from their pieces, and custom events.

Told by sequence: what is known is kept, and only what came since is added. So a page that was away
loses nothing, and one that is slow takes many pieces at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import ENDED, RunStatus
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    clip,
    format_count,
    format_exact,
    format_plural,
    to_json_text,
)

KINDS = ("message", "custom", "warning", "status")
LOG_KINDS = ("log",)
TEXT_LIMIT_COUNT = 20_000  # characters of one text on the screen; the whole is in the state
TEXTS_COUNT = 100  # on the screen, the newest
LINES_COUNT = 500

Standing = Literal["writing", "whole", "cut off"]

_CUT_OFF = frozenset({RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED})
_OVER = frozenset({*ENDED, RunStatus.WAITING, RunStatus.PAUSED, RunStatus.RUNNING})


@dataclass(frozen=True, kw_only=True)
class Text:
    """One message of a model. Its words are an agent's: drawn inert on their own ground."""

    message_id: str
    node: str
    text: str
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class Line:
    """One custom event, or one piece of output."""

    seq: int
    at: str
    place: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is known of a run's stream up to `seq`; texts and lines are as they came, the newest of them."""

    run_id: str
    seq: int = 0
    texts: tuple[Text, ...] = ()
    customs: tuple[Line, ...] = ()
    warnings: tuple[str, ...] = ()
    texts_gone: int = 0
    customs_gone: int = 0


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Everything that came out, each sort apart; `left_out` says what is too old to be shown."""

    texts: tuple[Text, ...]
    customs: tuple[Line, ...]
    warnings: tuple[str, ...]
    left_out: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return not (self.texts or self.customs or self.warnings)


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One entry of the raw log."""

    seq: int
    at: str
    kind: str
    path: str
    data: str


def add(told: Told, events: Sequence[RunEvent]) -> Told:
    """Add what came since; entries that are known already change nothing."""
    texts = {t.message_id: t for t in told.texts}
    customs, warnings, seq = list(told.customs), list(told.warnings), told.seq
    for event in events:
        if event.seq <= seq:
            continue
        seq = event.seq
        if event.kind == "message":
            _add_piece(texts, event)
        elif event.kind == "custom":
            customs.append(_line(event, event.path))
        elif event.kind == "warning":
            warnings.append(str(_data(event).get("text", "")))
        elif event.kind == "status":
            _close(texts, str(_data(event).get("status", "")))
    kept = list(texts.values())[-TEXTS_COUNT:]
    return replace(
        told,
        seq=seq,
        texts=tuple(kept),
        customs=tuple(customs[-LINES_COUNT:]),
        warnings=tuple(warnings[-LINES_COUNT:]),
        texts_gone=told.texts_gone + len(texts) - len(kept),
        customs_gone=told.customs_gone + max(0, len(customs) - LINES_COUNT),
    )


def build(events: Sequence[RunEvent]) -> Stream:
    """Put a whole stream together, as it is drawn."""
    return show(add(Told(run_id=""), events))


def show(told: Told) -> Stream:
    """What is known, as it is drawn."""
    gone = [
        format_plural(count, noun)
        for count, noun in (
            (told.texts_gone, "older text"),
            (told.customs_gone, "older custom event"),
        )
        if count
    ]
    return Stream(
        texts=tuple(
            replace(t, node=show_hidden(t.node), text=show_hidden(shorten(t.text)))
            for t in told.texts
            if t.text
        ),
        customs=told.customs,
        warnings=tuple(show_hidden(w) for w in told.warnings),
        left_out=f"{' and '.join(gone)} left out; all are in Events." if gone else "",
    )


def build_log(events: Sequence[RunEvent]) -> tuple[Line, ...]:
    """What the workflow printed and logged, oldest first."""
    return tuple(_log(e) for e in events if e.kind == "log")


def build_rows(events: Sequence[RunEvent], *, limit_count: int = 2000) -> tuple[EventRow, ...]:
    """The log as it is, newest first."""
    return tuple(
        EventRow(
            seq=e.seq,
            at=format_exact(e.at),
            kind=e.kind,
            path=show_hidden(e.path),
            data=clip(show_hidden(to_json_text(e.data, indent=None)), limit_count),
        )
        for e in reversed(events)
    )


def shorten(text: str, limit_count: int = TEXT_LIMIT_COUNT) -> str:
    """The beginning of a long text and its end, where it is being written, with what is left out said."""
    left_out = len(text) - limit_count
    if left_out <= 0:
        return text
    half = limit_count // 2
    gap = f"\n\n[… {format_count(left_out)} characters left out …]\n\n"
    return f"{text[:half]}{gap}{text[-half:]}"


def _add_piece(texts: dict[str, Text], event: RunEvent) -> None:
    data = _data(event)
    message_id = str(data.get("id", event.seq))
    before = texts.get(message_id)
    piece, is_done = str(data.get("text", "")), bool(data.get("done"))
    texts[message_id] = Text(
        message_id=message_id,
        node=str(data.get("node") or event.path),
        text=piece if is_done else (before.text if before else "") + piece,
        standing="whole" if is_done else "writing",
    )


def _close(texts: dict[str, Text], status: str) -> None:
    """A run that stops, or that another worker begins again, writes no further at what it had begun."""
    if status in _OVER:
        standing: Standing = "cut off" if status in _CUT_OFF else "whole"
        for message_id, text in texts.items():
            if text.standing == "writing":
                texts[message_id] = replace(text, standing=standing)


def _line(event: RunEvent, place: str) -> Line:
    text = event.data if isinstance(event.data, str) else to_json_text(event.data, indent=None)
    return Line(
        seq=event.seq,
        at=format_exact(event.at),
        place=show_hidden(place),
        text=clip(show_hidden(text), TEXT_LIMIT_COUNT),
    )


def _log(event: RunEvent) -> Line:
    data = _data(event)
    return Line(
        seq=event.seq,
        at=format_exact(event.at),
        place=show_hidden(str(data.get("stream", ""))),
        text=clip(show_hidden(str(data.get("text", ""))), TEXT_LIMIT_COUNT),
    )


def _data(event: RunEvent) -> Mapping[str, object]:
    return event.data if isinstance(event.data, Mapping) else {}
