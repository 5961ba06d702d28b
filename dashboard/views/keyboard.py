"""Which keys do what on the card that is shown: each presses a real button of the page, found by its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlock.core.model.approvals import Verb
from interlock.dashboard import keys

if TYPE_CHECKING:
    from interlock.dashboard.views.answer_forms import AnswerForm
    from interlock.dashboard.views.card import CardView

_REJECTING = (Verb.REJECT, Verb.STOP)  # a breakpoint is stopped where another card is rejected


@dataclass(frozen=True, kw_only=True)
class Keyboard:
    """
    What the keys press for one version of one card: keys of widgets, of which the first that is drawn
    counts. `card` is empty where no card can be decided, `shown` where none is shown. The words are those
    of the buttons.
    """

    card: str = ""
    shown: str = ""
    is_high_risk: bool = False
    approve: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    revise: tuple[str, ...] = ()
    submit: tuple[str, ...] = ()
    approve_word: str = ""
    reject_word: str = ""
    form: str = ""


def build(card: CardView | None) -> Keyboard:
    """
    What the keys do for this card; for one of high risk none of them approves.

    Nor does one where an answer is asked for, which a yes in its place would end.
    """
    if card is None or card.form is None:
        return Keyboard(shown=card.approval_id if card else "")
    key = (card.approval_id, card.version)
    primary = [b for b in card.form.buttons if b.is_primary]
    verbs = {b.verb for b in primary}
    wants_words = Verb.ANSWER in verbs and Verb.APPROVE not in verbs
    return Keyboard(
        card=keys.card_form(*key),
        shown=card.approval_id,
        is_high_risk=card.is_high_risk,
        approve=() if card.is_high_risk or wants_words else _find(card.form, key, (Verb.APPROVE,)),
        reject=_find(card.form, key, _REJECTING),
        revise=_find(card.form, key, (Verb.REVISE,)),
        submit=() if card.is_high_risk else tuple(keys.verb(b.name, *key) for b in primary),
        approve_word=_say(card.form, (Verb.APPROVE,)),
        reject_word=_say(card.form, _REJECTING),
        form=keys.card_form(*key),
    )


def _find(form: AnswerForm, key: tuple[str, int], verbs: tuple[Verb, ...]) -> tuple[str, ...]:
    there = [verb for verb in verbs if verb in form.verbs]
    return tuple(keys.verb(str(verb), *key) for verb in there)


def _say(form: AnswerForm, verbs: tuple[Verb, ...]) -> str:
    return next((b.label.lower() for b in form.buttons if b.verb in verbs), "")
