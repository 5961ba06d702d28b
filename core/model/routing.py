"""
Routing: whom a policy lets decide a card, whether somebody is one of them, and what their vote does.

Pure. The policy and what is asked become a `Route` once, when the card is made; what cannot be read
there falls to admins, never to everybody (law 8: `services.voting` holds every decision to it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from interlock.core.errors import InvalidInput
from interlock.core.model import conditions
from interlock.core.model.approvals import ApprovalSummary, Intent, Kind, Verb
from interlock.core.model.payload_answers import build_answer
from interlock.core.model.people import Person, Role
from interlock.core.model.policies import ApprovalPolicy
from interlock.core.model.questions import Question
from interlock.core.model.routes import (
    GROUP,
    RISKS,
    STATE,
    Route,
    is_reachable,
    path_of,
    read_approvers,
    say_one,
)
from interlock.core.model.schemas import fields_of
from interlock.core.model.texts import join_words
from interlock.core.types import ApprovalId, Json

AGAINST = frozenset({Verb.REJECT, Verb.REVISE, Verb.STOP})
_ANY_REASON = "any"
DECIDERS = frozenset({Role.OPERATOR, Role.ADMIN})


@dataclass(frozen=True, kw_only=True)
class Vote:
    """
    What one person said to one version of a card. `intent` is that without the reason, as JSON; its `sends`
    is what the workflow would get, by which votes agree: a form that was left as it was is a plain yes.
    """

    approval_id: ApprovalId
    version: int
    actor: str
    verb: Verb
    intent: Json
    reason: str
    voted_at: datetime


class Effect(StrEnum):
    """What a vote does: decide the card, wait for others, make a new version of it, or nothing new."""

    DECIDES = "decides"
    COUNTS = "counts"
    RENEWS = "renews"
    REPEATS = "repeats"


def route(
    rules: ApprovalPolicy,
    asked: Callable[[], Json],
    *,
    state: Callable[[], Json],
    initiators: Callable[[], tuple[str, ...]],
) -> tuple[Route, str]:
    """
    Find who is to decide what a card asks, and how risky it is.

    Every rule that holds counts, in order: its approvers take the place of those before, the highest
    quorum, risk and priority stand. A rule that cannot be judged makes it stricter, never laxer.

    Args:
        rules: The policy of the node that asks.
        asked: Reads what is asked; of a breakpoint or a failed node the thread's values.
        state: Reads the thread's values; called only where the policy names them.
        initiators: Finds who launched the run and set its thread back; called only where it matters.
    """
    approvers, quorum, risk = rules.approvers, rules.quorum, rules.risk
    priority, self_approval = rules.priority, rules.self_approval
    notes: list[str] = []
    for rule in rules.rules:
        verdict = conditions.parse(rule.when).judge(asked())
        if verdict.holds is False:
            continue
        if verdict.holds is None:
            notes.append(f"The rule `{rule.when}` cannot be judged: {verdict.why}.")
        if rule.approvers is not None:
            approvers = rule.approvers if verdict.holds else ()
        quorum = max(quorum, rule.quorum)
        risk = min(risk, rule.risk, key=RISKS.index)
        priority = max(priority, rule.priority)
        self_approval = self_approval and rule.self_approval
    named = _read(approvers, asked, state, notes)
    if named and not is_reachable(named, quorum):
        notes.append(f"It takes {quorum} people, and its policy names fewer.")
        named = ()
    if notes and named == ():
        notes.append("So admins decide.")
    found = Route(
        approvers=named,
        quorum=quorum,
        self_approval=self_approval,
        one_rejects=rules.one_rejects,
        priority=priority,
        initiators=() if self_approval else initiators(),
        note=" ".join(notes),
    )
    return found, risk


def _read(
    approvers: tuple[str, ...] | str | None,
    asked: Callable[[], Json],
    state: Callable[[], Json],
    notes: list[str],
) -> tuple[str, ...] | None:
    if not isinstance(approvers, str):
        return approvers
    within = state if approvers.startswith(STATE) else asked
    is_there, value = conditions.read_path(within(), path_of(approvers))
    named = read_approvers(value) if is_there else None
    if named is None:
        what = "names nobody who could approve" if is_there else "is not there"
        notes.append(f"{approvers}, which is to name its approvers, {what}.")
        return ()
    return named


def why_not(card: ApprovalSummary, person: Person) -> str:
    """
    Why somebody may not decide a card, in a sentence; empty if they may.

    While nobody has to sign in names are assertions, so whoever is at the screen may.
    """
    if person.is_trusted:
        return ""
    if not card.route.self_approval and person.name in card.route.initiators:
        return (
            f"{person.name} may not decide what they themselves launched or set back:"
            f" {say_deciders(card)}, but nobody who began it."
        )
    if _is_named(card, person):
        return ""
    return f"{person.name} may not decide this card: {say_deciders(card)}."


def _is_named(card: ApprovalSummary, person: Person) -> bool:
    approvers = card.route.approvers
    if card.escalated_to in person.groups:
        return True
    if approvers is None:
        return person.role in DECIDERS
    if not approvers:
        return person.role is Role.ADMIN
    return not names_of(person).isdisjoint(approvers)


def names_of(person: Person) -> frozenset[str]:
    """All that an approver may be called who is this person."""
    return frozenset({person.name, *(f"{GROUP}{group}" for group in person.groups)})


def say_deciders(card: ApprovalSummary) -> str:
    """Who decides a card, as half a sentence: `the group finance or Ann decides it`."""
    approvers = card.route.approvers
    who = ["any operator"]
    if approvers is not None:
        who = [say_one(each) for each in approvers] or ["an admin"]
    if card.escalated_to is not None:
        who.append(say_one(f"{GROUP}{card.escalated_to}"))
    return f"{join_words(list(dict.fromkeys(who)))} decides it"


def intent_as_json(intent: Intent, sends: Json) -> dict[str, Json]:
    """What somebody wants, without why, and what that sends."""
    each = None if intent.each is None else list(intent.each)
    verb = intent.verb and str(intent.verb)
    return {"verb": verb, "value": intent.value, "each": each, "sends": sends}


def sends_of(question: Question, intent: Intent, answer: Json) -> Json:
    """What an intent sends, as if everybody gave the same reason; `answer` is what it sends with its own."""
    with suppress(InvalidInput):  # where a form bounds its reasons, they are a part of what is said
        answer = build_answer(question, replace(intent, reason=_ANY_REASON))
    if question.kind is not Kind.SCHEMA or not isinstance(answer, dict):
        return answer
    defaults = {f.name: f.default for f in fields_of(question.schema) if f.name and f.has_default}
    return {
        **defaults,
        **answer,
    }  # one that is left out and one that is left as it was are the same


def intent_of(vote: Vote, reason: str) -> Intent:
    """What a vote wants, said by somebody else."""
    verb, each = vote.intent["verb"], vote.intent["each"]
    return Intent(
        verb=None if verb is None else Verb(verb),
        value=vote.intent["value"],
        each=None if each is None else tuple(each),
        reason=reason,
    )


def weigh(
    found: Route, votes: Sequence[Vote], intent: Intent, sends: Json, *, actor: str, verb: Verb
) -> Effect:
    """
    What a vote does.

    Args:
        found: How the card is routed.
        votes: Those on the version that is asked, at most one a person.
        intent: What somebody wants.
        sends: What that sends, as `sends_of` made it.
        actor: Who.
        verb: The same in one word.
    """
    if found.quorum <= 1 or (verb in AGAINST and found.one_rejects):
        return Effect.DECIDES
    agreeing = {vote.actor for vote in votes if _key_of(vote.intent["sends"]) == _key_of(sends)}
    if actor in agreeing:
        return Effect.REPEATS
    if len(agreeing) + 1 >= found.quorum:
        return Effect.DECIDES
    return Effect.RENEWS if not agreeing and _is_edit(intent) else Effect.COUNTS


def count_missing(found: Route, votes: Sequence[Vote]) -> int:
    """How many more people it takes to agree with what most have said."""
    said = [_key_of(vote.intent["sends"]) for vote in votes]
    return found.quorum - max(map(said.count, said), default=0)


def _key_of(sends: Json) -> str:
    return json.dumps(_plain(sends), sort_keys=True)


def _plain(value: Json) -> Json:
    """With whole numbers written as such: a form says 620.0 where a person writes 620."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_edit(intent: Intent) -> bool:
    words = [
        one.get("decision", one.get("type")) for one in intent.each or () if isinstance(one, dict)
    ]
    return intent.verb is Verb.EDIT or Verb.EDIT in words
