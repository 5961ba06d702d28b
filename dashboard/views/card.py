"""One card as it is shown: what is asked, by whom, since when, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.core.model import media
from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus, Kind
from interlock.core.model.media import Media
from interlock.core.model.payloads import Question, question_of, read_remark
from interlock.core.model.people import Person
from interlock.core.model.schemas import find_schema_problem
from interlock.core.types import ApprovalId, Json, RunId
from interlock.dashboard.palette import Look, look_of_approval
from interlock.dashboard.views import answer_forms, decisions, routing
from interlock.dashboard.views.answer_forms import AnswerForm
from interlock.dashboard.views.decisions import DecisionRow
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    IN,
    clip,
    format_ago,
    format_countdown,
    format_exact,
    one_line,
    short_id,
)
from interlock.dashboard.views.inbox import CardRow, build_row
from interlock.dashboard.views.notices import Link, Notice
from interlock.dashboard.views.policy_words import say_outcome
from interlock.dashboard.views.routing import RoutingView
from interlock.dashboard.views.words import (
    HIGH_RISK,
    look_of_deadline,
    look_of_durability,
    look_of_risk,
    say_durability,
)

if TYPE_CHECKING:
    from interlock.core.services.observing import Card


_OPTION_KEYS = ("options", "choices", "multiple")  # drawn as the choice they are
UNCHECKED = (
    "The workflow gave a schema for the answer (`response_schema`) that cannot be used, so there is no"
    " form for it. What you answer is sent as it is, unchecked."
)
_NO_WORDS = object()  # a part of which nothing is left to read once its media are drawn
LONG_COUNT = 70  # a longer text is read, not scanned: it stands by itself


@dataclass(frozen=True)
class Part:
    """A longer or nested part of what was asked, under its key."""

    label: str
    value: Json


@dataclass(frozen=True)
class Piece:
    """A picture, sound, film or file in what was asked, under its place there."""

    label: str
    media: Media


@dataclass(frozen=True)
class DeadlineView:
    """A deadline that can be put off: when it is, and what happens at it."""

    at: str
    text: str
    note: str


@dataclass(frozen=True, kw_only=True)
class CardView:
    """
    The card. `title`, `words`, `facts`, `parts` and `payload` are an agent's: drawn inert on their own
    ground. `facts` are the short values of what was asked, one a line; `parts` are its long ones, `media`
    what is to be seen or heard, with whose bytes cut short in all the others.

    `form` is None once the card cannot be decided; then `closed` says why. `unchecked` is a notice that
    the answer's schema could not be used, or what an edit of a failed node's state costs.
    """

    approval_id: ApprovalId
    version: int
    kind: Kind
    run_id: RunId
    history: Link
    title: str
    about: str
    asked: str
    asked_at: str
    left: str
    timed: Look | None
    deadline: DeadlineView | None
    look: Look
    risk: Look | None
    durability: Look | None
    durability_text: str
    is_high_risk: bool
    words: str
    facts: str
    parts: tuple[Part, ...]
    media: tuple[Piece, ...]
    payload: Json
    shows_payload: bool
    unchecked: Notice | None
    form: AnswerForm | None
    closed: str
    siblings: tuple[CardRow, ...]
    record: tuple[DecisionRow, ...]
    routing: RoutingView


def build(
    card: Card,
    *,
    state: Json,
    now: datetime,
    max_media_bytes: int = media.MAX_BYTES,
    steps_in_memory: int = 0,
    may_have_repeated: bool = False,
    person: Person | None = None,
) -> CardView:
    """
    Put the card together.

    Args:
        card: The card with its decisions and the thread's other pending cards.
        state: The thread's present values; the fields of a breakpoint or a failed node start with them.
        now: Aware UTC time.
        max_media_bytes: A larger picture, sound, film or file is named, not shown.
        steps_in_memory: So many steps of its run were not durable for a while.
        may_have_repeated: Its run may have done such steps again.
        person: Who looks at it; None for whoever may do all.
    """
    approval = card.approval
    question = question_of(approval)
    is_open = approval.status is ApprovalStatus.PENDING
    words = show_hidden(question.text)
    facts, parts = _read_facts(approval.payload, question)
    return CardView(
        approval_id=approval.approval_id,
        version=approval.version,
        kind=approval.kind,
        run_id=approval.run_id,
        history=Link(
            "Where its thread stood",
            "history",
            {"thread": approval.thread_id, "at": approval.checkpoint_id},
        ),
        title=show_hidden(approval.title) or "(no title)",
        about=f"{approval.workflow}{IN}{approval.node}",
        asked=_say_asked(approval, now),
        asked_at=format_exact(approval.asked_at),
        left=format_countdown(approval.deadline_at, now) if is_open else "",
        timed=look_of_deadline(approval, now),
        deadline=_build_deadline(approval) if is_open else None,
        look=look_of_approval(approval.status),
        risk=look_of_risk(approval.risk),
        durability=look_of_durability(steps_in_memory, may_have_repeated=may_have_repeated),
        durability_text=say_durability(steps_in_memory, may_have_repeated=may_have_repeated),
        is_high_risk=approval.risk == HIGH_RISK,
        words="" if words.strip() == approval.title.strip() else words,
        facts=facts,
        parts=parts,
        media=_find_media(approval, max_media_bytes),
        payload=media.shorten(approval.payload),
        shows_payload=_has_more_to_show(approval, question),
        unchecked=_find_notice(approval) if is_open else None,
        form=_build_form(question, approval, state) if is_open else None,
        closed=decisions.say_closed(approval, card.decisions, now=now),
        siblings=tuple(build_row(a, now=now) for a in card.siblings),
        record=decisions.build_rows(card.decisions, [approval], now=now, votes=card.votes),
        routing=routing.build(card, person, now=now),
    )


def _build_deadline(approval: Approval) -> DeadlineView | None:
    if approval.deadline_at is None:
        return None
    said = []
    if approval.escalated_to is not None:
        said.append(f"Escalated to {approval.escalated_to}: nobody decided in time.")
    if approval.due_at is not None:
        said.append(f"If nobody decides until then: {say_outcome(approval.on_timeout)}.")
    return DeadlineView(
        at=format_exact(approval.deadline_at),
        text=show_hidden(" ".join(said)),
        note=show_hidden(approval.deadline_note),
    )


def _build_form(question: Question, approval: Approval, state: Json) -> AnswerForm:
    return answer_forms.build(
        question,
        is_high_risk=approval.risk == HIGH_RISK,
        is_plain_question=isinstance(approval.payload, str),
        state=state,
    )


def _has_more_to_show(approval: Approval, question: Question) -> bool:
    """Of a failure the workflow sent nothing: what is kept with it is ours, and shown."""
    is_shown = approval.payload == question.text or approval.kind is Kind.FAILURE
    return approval.payload is not None and not is_shown


def _find_notice(approval: Approval) -> Notice | None:
    if approval.kind is Kind.FAILURE:
        remark = read_remark(approval.payload)
        if remark is None:
            return None
        return Notice("info", remark.text, show_hidden("\n".join(remark.lines)))
    return _find_schema_notice(approval)


def _find_schema_notice(approval: Approval) -> Notice | None:
    """A schema that cannot be used is not drawn and checks nothing: that has to be said (law 11)."""
    if approval.schema is None or approval.kind in STANDING:
        return None
    problem = find_schema_problem(approval.schema)
    return Notice("warning", UNCHECKED, show_hidden(problem)) if problem else None


def _read_facts(payload: Json, question: Question) -> tuple[str, tuple[Part, ...]]:
    """What was asked, key by key; the question itself and what the form shows are left out."""
    if not isinstance(payload, dict) or question.actions or question.kind in STANDING:
        return "", ()
    hidden = _OPTION_KEYS if question.options else ()
    rest = {k: _read_words(v) for k, v in payload.items() if v != question.text and k not in hidden}
    shown = {k: media.shorten(v) for k, v in rest.items() if v is not _NO_WORDS}
    short = {k: one_line(v) for k, v in shown.items() if _is_short(v)}
    width = max(map(len, short), default=0)
    lines = [show_hidden(f"{k.ljust(width)}  {v}") for k, v in short.items()]
    parts = tuple(Part(show_hidden(k), v) for k, v in shown.items() if k not in short)
    return "\n".join(lines), parts


def _read_words(value: Json) -> object:
    """Of content blocks their words alone, as the media among them are drawn; anything else as it is."""
    if media.read_part(value, max_bytes=0) is not None:
        return _NO_WORDS
    if not isinstance(value, list) or not media.find_parts(value, max_bytes=0):
        return value
    words = [b for b in value if media.read_part(b, max_bytes=0) is None]
    texts = [b.get("text") if isinstance(b, dict) else b for b in words]
    if not all(isinstance(text, str) for text in texts):
        return value
    return "\n\n".join(str(text) for text in texts) or _NO_WORDS


def _find_media(approval: Approval, max_bytes: int) -> tuple[Piece, ...]:
    found = media.find_parts(approval.payload, max_bytes=max_bytes)
    return tuple(Piece(show_hidden(clip(path, LONG_COUNT)), part) for path, part in found)


def _is_short(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) <= LONG_COUNT and "\n" not in value
    return not isinstance(value, dict | list)


def _say_asked(approval: Approval, now: datetime) -> str:
    version = f" · version {approval.version}" if approval.version > 1 else ""
    ago = format_ago(approval.asked_at, now)
    return f"asked {ago} · thread {short_id(approval.thread_id)}{version}"
