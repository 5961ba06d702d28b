"""Why a card is asked: the conversation before it, and what else the state held then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.model import media
from interlock.core.types import Json
from interlock.dashboard.views import conversation
from interlock.dashboard.views.conversation import Conversation


@dataclass(frozen=True, kw_only=True)
class WhyView:
    """The conversation, where there is one, and the other values of the state; both are foreign."""

    conversation: Conversation | None
    rest: Json

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.conversation is None and not self.rest


def build_why(values: Json, *, max_media_bytes: int = media.MAX_BYTES) -> WhyView:
    """Take the state apart: what was said is read as a conversation, the rest as it is."""
    said = conversation.find_messages(values)
    rest = values
    if said is not None and isinstance(values, Mapping):
        rest = {name: value for name, value in values.items() if value is not said}
    talk = conversation.build(said, max_media_bytes=max_media_bytes) if said is not None else None
    return WhyView(conversation=talk, rest=media.shorten(rest))
