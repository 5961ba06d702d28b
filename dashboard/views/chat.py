"""A workflow that is talked to: the conversation of its thread, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.model.nodes import RunEvent
from interlock.core.model.runs import OPEN, RunStatus
from interlock.core.services.conversing import Talk
from interlock.core.types import Json
from interlock.dashboard.palette import Look, look_of_run
from interlock.dashboard.views import stream
from interlock.dashboard.views.conversation import Conversation, find_messages
from interlock.dashboard.views.conversation import build as build_conversation
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import format_plural, one_line, short_id
from interlock.dashboard.views.notices import Link


@dataclass(frozen=True, kw_only=True)
class ChatView:
    """
    The conversation as it is drawn.

    `streamed` are the texts that a model is writing; `links` lead to the run and to what waits for a
    human; `problem` is why the last run failed.
    """

    thread: str
    conversation: Conversation
    streamed: tuple[str, ...]
    look: Look
    links: tuple[Link, ...]
    problem: str


def build(talk: Talk, events: Sequence[RunEvent]) -> ChatView:
    """
    Put the conversation of a thread together.

    Args:
        talk: Where the thread stands.
        events: What its newest run streamed, oldest first; looked at only while it goes on.
    """
    run = talk.run
    said = [*(find_messages(talk.values) or []), *_list_sent(talk.sent)]
    is_open = run.status in OPEN
    texts = stream.build(events).texts if is_open else ()
    error = run.error if run.status is RunStatus.FAILED else None
    return ChatView(
        thread=short_id(talk.thread_id),
        conversation=build_conversation(said),
        streamed=tuple(text.text for text in texts if text.text),
        look=look_of_run(run.status),
        links=_list_links(talk),
        problem=show_hidden(f"{error.type}: {one_line(error.message)}") if error else "",
    )


def _list_sent(sent: Json) -> list[Json]:
    found = find_messages(sent)
    return found if isinstance(found, list) else []


def _list_links(talk: Talk) -> tuple[Link, ...]:
    run = Link("Open the run", "run", {"run_id": talk.run.run_id})
    if not talk.cards:
        return (run,)
    params = {"approval_id": talk.cards[0].approval_id}
    label = f"{format_plural(len(talk.cards), 'card waits', 'cards wait')} for you"
    return (run, Link(label, "inbox", params))
