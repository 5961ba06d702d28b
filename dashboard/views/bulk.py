"""
Many chosen cards before and after they are decided together: every content that one word is about to
decide, what is left out and why, and a report of what came of each.

Nothing is decided before its content was drawn; a card that changed since it was chosen says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from interlock.core.errors import Conflict, InterlockError
from interlock.core.model import bulk
from interlock.core.model.approvals import Approval, Verb
from interlock.core.model.bulk import MAX_AT_ONCE, Outcome, Pick, Told
from interlock.core.types import ApprovalId, RunId
from interlock.dashboard.palette import Look, Tone
from interlock.dashboard.views import card as cards
from interlock.dashboard.views.answer_forms import Button, say_verb
from interlock.dashboard.views.card import CardView
from interlock.dashboard.views.decisions import say_conflict
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import clip, format_plural, one_line
from interlock.dashboard.views.forms import ABSENT
from interlock.dashboard.views.sheets import Sheet

if TYPE_CHECKING:
    from interlock.core.services.bulk_deciding import Looked

PAGE_COUNT = 20  # contents of one page: more would be scrolled past, not read
TITLE_COUNT = 80
NOTHING_CHOSEN = (
    "Choose cards in the list. Each one is shown here before anything is decided. High risk, and what"
    " has a form to fill in, is decided one by one."
)
NOTHING_COMMON = "These cards have no word in common: choose fewer, or decide them one by one."
_LOOKS = {
    Outcome.DONE: Look(Tone.DONE, "done", ":material/check_circle:"),
    Outcome.COUNTED: Look(Tone.WAITING, "counted, waits for others", ":material/how_to_vote:"),
    Outcome.BEFORE: Look(Tone.QUIET, "done before", ":material/done_all:"),
    Outcome.REFUSED: Look(Tone.FAILED, "refused", ":material/block:"),
    Outcome.NOT_TRIED: Look(Tone.WAITING, "not tried", ":material/sync_problem:"),
}
_REPORTED = ("approval_id", "version", "outcome", "status", "run_id", "workflow", "title", "why")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A chosen card that is not decided with the others; `anew` is the version to choose instead."""

    pick: Pick
    title: str
    why: str
    anew: int | None = None


@dataclass(frozen=True, kw_only=True)
class BulkView:
    """
    What was chosen. `cards` are those of one page; `picks` are all that are decided, in their order.

    `proposals` are what the other fields of an answer stay at, by card; an agent's, drawn inert.
    `unseen_text` says what is still to be looked at before a button acts; empty once all was.
    """

    cards: tuple[CardView, ...]
    proposals: Mapping[str, str]
    picks: tuple[Pick, ...]
    left_out: tuple[LeftOut, ...]
    page: int
    page_count: int
    chosen_text: str
    left_out_text: str
    unseen_text: str
    buttons: tuple[Button, ...]
    no_button_text: str

    @property
    def seen(self) -> tuple[Pick, ...]:
        """What is on the page that is drawn."""
        return tuple(Pick(each.approval_id, each.version) for each in self.cards)


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """What came of one card; its title and the reason may be foreign."""

    approval_id: ApprovalId
    run_id: RunId | None
    look: Look
    title: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of all of them, and the same to be saved."""

    headline: str
    rows: tuple[ReportRow, ...]
    sheet: Sheet

    @property
    def ids(self) -> tuple[ApprovalId, ...]:
        """The cards, in their order."""
        return tuple(row.approval_id for row in self.rows)


def build(found: Sequence[Looked], *, page: int, seen: Collection[Pick], now: datetime) -> BulkView:
    """
    Put together what is about to be decided.

    Args:
        found: The chosen cards as they are now.
        page: Which page of their contents is drawn, from 1.
        seen: The versions whose contents were drawn before.
        now: Aware UTC time.
    """
    views = [_build_card(each.card, now) for each in found if each.card and each.is_open]
    picks = tuple(Pick(each.approval_id, each.version) for each in views)
    page_count = max(1, -(-len(views) // PAGE_COUNT))
    page = min(max(page, 1), page_count)
    begin = (page - 1) * PAGE_COUNT
    drawn = {*seen, *picks[begin : begin + PAGE_COUNT]}
    unseen = [pick for pick in picks if pick not in drawn]
    left_out = tuple(_leave_out(each, now) for each in found if not each.is_open)
    verbs = bulk.find_verbs(each.question for each in found if each.question and each.is_open)
    return BulkView(
        proposals={each.approval_id: _say_proposed(each) for each in views},
        cards=tuple(views[begin : begin + PAGE_COUNT]),
        picks=picks,
        left_out=left_out,
        page=page,
        page_count=page_count,
        chosen_text=_say_chosen(len(picks), len(found)),
        left_out_text=f"{format_plural(len(left_out), 'card')} left out" if left_out else "",
        unseen_text=_say_unseen(len(unseen)),
        buttons=tuple(_build_button(verb, views) for verb in verbs),
        no_button_text="" if verbs or not views else NOTHING_COMMON,
    )


def say_changed(drawn: BulkView, fresh: BulkView) -> str:
    """What became of cards since their contents were drawn; empty while nothing did."""
    gone = [left for left in fresh.left_out if left.pick in drawn.picks]
    if not gone:
        return ""
    first = f"{gone[0].title}: {gone[0].why}"
    more = f" And {format_plural(len(gone) - 1, 'other')}." if len(gone) > 1 else ""
    return f"{format_plural(len(gone), 'card')} changed since. {first}{more}"


def build_report(told: Sequence[Told], left_out: Sequence[LeftOut], *, now: datetime) -> Report:
    """What came of each card, those that were left out included."""
    all_told = [*told, *(_tell_left_out(each) for each in left_out)]
    counts = {outcome: sum(t.outcome is outcome for t in all_told) for outcome in Outcome}
    rows = tuple(
        ReportRow(
            approval_id=each.pick.approval_id,
            run_id=each.run_id,
            look=_LOOKS[each.outcome],
            title=_say_title(each.title),
            why=show_hidden(_say_why(each, now)),
        )
        for each in all_told
    )
    return Report(
        headline=" · ".join(f"{n} {_LOOKS[o].word}" for o, n in counts.items() if n),
        rows=rows,
        sheet=Sheet(
            name="decided-together",
            columns=_REPORTED,
            rows=tuple(_to_cells(each, row.why) for each, row in zip(all_told, rows, strict=True)),
        ),
    )


def find_room(chosen: int, wanted: int) -> int:
    """How many more cards can be chosen of so many."""
    return max(0, min(wanted, MAX_AT_ONCE - chosen))


def _build_card(card: Approval, now: datetime) -> CardView:
    asked: Any = SimpleNamespace(approval=card, decisions=(), siblings=(), votes=())
    return cards.build(asked, state=None, now=now)


def _say_proposed(view: CardView) -> str:
    """The fields of the answer that nobody fills in, with what the workflow has for them."""
    if view.form is None or view.form.shape != "typed":
        return ""
    given = [(f.label, f.given) for f in view.form.fields if f.given not in (ABSENT, "")]
    return show_hidden("\n".join(f"{label}: {one_line(value)}" for label, value in given))


def _build_button(verb: Verb, views: Sequence[CardView]) -> Button:
    """Called as the cards' own button is, where all of them call it so."""
    own = [b for v in views if v.form for b in v.form.buttons if b.verb is verb]
    is_one_word = len({button.label for button in own}) == 1
    label = own[0].label if is_one_word else say_verb(verb)
    return Button(verb, f"{label} {len(views)}", own[0].icon)


def _leave_out(found: Looked, now: datetime) -> LeftOut:
    card = found.card
    is_anew = found.trouble is not None and card is not None and card.version != found.pick.version
    is_waiting = card is not None and str(card.status) == "pending"
    return LeftOut(
        pick=found.pick,
        title=_say_title(card.title if card else found.pick.approval_id),
        why=show_hidden(found.obstacle or _say_trouble(found.trouble, now)),
        anew=card.version if card and is_anew and is_waiting else None,
    )


def _say_trouble(trouble: InterlockError | None, now: datetime) -> str:
    if isinstance(trouble, Conflict):
        return say_conflict(trouble, now=now, unused="").strip()
    return str(trouble)


def _say_why(told: Told, now: datetime) -> str:
    if told.is_done:
        return ""
    winner: Mapping[str, Any] | None = told.winner
    if winner is None:
        return told.refusal
    return _say_trouble(Conflict(told.refusal, winner=winner), now)


def _tell_left_out(left: LeftOut) -> Told:
    return Told(pick=left.pick, outcome=Outcome.REFUSED, title=left.title, refusal=left.why)


def _to_cells(told: Told, why: str) -> tuple[str | int | None, ...]:
    pick = told.pick
    first = (pick.approval_id, pick.version, str(told.outcome), told.status or None)
    return (*first, told.run_id, told.workflow or None, told.title, why)


def _say_title(title: str) -> str:
    return clip(one_line(show_hidden(title)), TITLE_COUNT) or "(no title)"


def _say_chosen(opened: int, found: int) -> str:
    if not found:
        return ""
    return f"{format_plural(opened, 'card')} to be decided together, each as it is shown here"


def _say_unseen(count: int) -> str:
    if not count:
        return ""
    return f"{format_plural(count, 'card')} not looked at yet: turn the pages, then decide."
