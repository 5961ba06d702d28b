"""A thread's state to read: its conversation, short values as a list, the rest one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.model.threads import Snapshot
from interlock.core.types import Json
from interlock.dashboard.views import conversation
from interlock.dashboard.views.conversation import Conversation
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import format_exact, one_line, short_id, to_json_text

SHORT_COUNT = 120  # characters of a value that fits into a line


@dataclass(frozen=True, kw_only=True)
class StateView:
    """The state; its texts are foreign. `lines` are short values by field, `values` the others."""

    place: str
    conversation: Conversation | None
    lines: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, Json], ...]
    whole: Json


def build(snapshot: Snapshot) -> StateView:
    """Put a state together."""
    following = f" · next: {', '.join(snapshot.next)}" if snapshot.next else " · nothing follows"
    place = f"{short_id(snapshot.checkpoint_id)}, {format_exact(snapshot.created_at)}{following}"
    values = snapshot.values
    fields = values if isinstance(values, Mapping) else {"value": values}
    messages = conversation.find_messages(values)
    lines: list[tuple[str, str]] = []
    others: list[tuple[str, Json]] = []
    for name, value in fields.items():
        if messages is not None and value is messages:
            continue
        if _is_short(value):
            lines.append((show_hidden(name), show_hidden(_say(value))))
        else:
            others.append((show_hidden(name), value))
    return StateView(
        place=show_hidden(f"checkpoint {place}"),
        conversation=None if messages is None else conversation.build(messages),
        lines=tuple(lines),
        values=tuple(others),
        whole=values,
    )


def _is_short(value: Json) -> bool:
    if isinstance(value, Mapping):
        return not value
    if isinstance(value, list):
        return not any(isinstance(v, (Mapping, list)) for v in value) and _fits(value)
    return _fits(value)


def _fits(value: Json) -> bool:
    text = value if isinstance(value, str) else to_json_text(value, indent=None)
    return len(text) <= SHORT_COUNT and "\n" not in text


def _say(value: Json) -> str:
    """A value in a line; an empty text and nothing at all are told from words."""
    return '""' if value == "" else one_line(value)
