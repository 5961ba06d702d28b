"""What a run streamed: texts joined from their pieces, custom events, and the workflow's own output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.nodes import RunEvent
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import clip, format_exact, to_json_text

KINDS = ("message", "custom", "log", "warning")
TEXT_LIMIT_COUNT = 20_000  # of one text on the screen; the whole is in the state


@dataclass(frozen=True, kw_only=True)
class Text:
    """One message of a model. Its words are an agent's: drawn inert on their own ground."""

    message_id: str
    node: str
    text: str
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One custom event, or one piece of output."""

    seq: int
    at: str
    place: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Everything that came out, each sort apart."""

    texts: tuple[Text, ...]
    customs: tuple[Line, ...]
    logs: tuple[Line, ...]
    warnings: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return not (self.texts or self.customs or self.logs or self.warnings)


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One entry of the raw log."""

    seq: int
    at: str
    kind: str
    path: str
    data: str


def build(events: Sequence[RunEvent]) -> Stream:
    """Sort the events, oldest first, and join the pieces of each message."""
    return Stream(
        texts=_join(e for e in events if e.kind == "message"),
        customs=tuple(_line(e, e.path) for e in events if e.kind == "custom"),
        logs=tuple(_log(e) for e in events if e.kind == "log"),
        warnings=tuple(
            show_hidden(str(_data(e).get("text", ""))) for e in events if e.kind == "warning"
        ),
    )


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


def find_first_seq(head: int, count: int) -> int:
    """After which entry to read so that the newest `count` of a log are read."""
    return max(0, head - count)


def _join(events: Iterable[RunEvent]) -> tuple[Text, ...]:
    texts: dict[str, Text] = {}
    for event in events:
        data = _data(event)
        message_id = str(data.get("id", event.seq))
        before = texts.get(message_id)
        piece = str(data.get("text", ""))
        is_done = bool(data.get("done"))
        whole = piece if is_done else (before.text if before else "") + piece
        texts[message_id] = Text(
            message_id=message_id,
            node=show_hidden(str(data.get("node") or event.path)),
            text=whole,
            is_done=is_done,
        )
    return tuple(
        Text(
            message_id=t.message_id,
            node=t.node,
            text=clip(show_hidden(t.text), TEXT_LIMIT_COUNT),
            is_done=t.is_done,
        )
        for t in texts.values()
    )


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
