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
    counts. `card` is empty where no card can be decided.
    """

    card: str = ""
    is_high_risk: bool = False
    approve: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    submit: tuple[str, ...] = ()
    form: str = ""


def build(card: CardView | None) -> Keyboard:
    """What the keys do for this card; for one of high risk none of them approves."""
    if card is None or card.form is None:
        return Keyboard()
    key = (card.approval_id, card.version)
    return Keyboard(
        card=keys.card_form(*key),
        is_high_risk=card.is_high_risk,
        approve=() if card.is_high_risk else _find(card.form, key, (Verb.APPROVE,)),
        reject=_find(card.form, key, _REJECTING),
        submit=()
        if card.is_high_risk
        else tuple(keys.verb(b.name, *key) for b in card.form.buttons if b.is_primary),
        form=keys.card_form(*key),
    )


def _find(form: AnswerForm, key: tuple[str, int], verbs: tuple[Verb, ...]) -> tuple[str, ...]:
    there = [verb for verb in verbs if verb in form.verbs]
    return tuple(keys.verb(str(verb), *key) for verb in there)
