"""
Creating a run as a client asks for it: a launch, an answer, going on, or a fork.

Each is carried out by the service that the screen and `/api/v1` use, with its checks: an answer is
decided on its card, so that one of two wins and the other is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.core.errors import Conflict, InvalidInput, NotFound, NotServed
from interlock.core.model import approval_rules, native_answers, payloads, routing
from interlock.core.model.approvals import Approval, Intent, Verb
from interlock.core.model.history import EditMode, FieldEdit
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.routing import Effect
from interlock.core.model.runs import OPEN, Run, RunStatus, may_retry
from interlock.core.model.thread_lists import ThreadFound
from interlock.core.services import (
    card_claims,
    deciding,
    launching,
    observing,
    permitting,
    rewinding,
    running,
    thread_searching,
    voting,
)
from interlock.core.services.context import App
from interlock.core.services.rewinding import ForkRequest
from interlock.core.types import CheckpointId, Json, ThreadId, new_id
from interlock.dashboard.http.agent_server import assistants
from interlock.dashboard.http.agent_server.bodies import RunBody
from interlock.dashboard.http.agent_server.threads import REASON
from interlock.dashboard.views import agent_answers, agent_asks
from interlock.dashboard.views.agent_answers import Answered
from interlock.dashboard.views.agent_asks import Ask, Way

MAX_CARDS = 200  # of one thread, the newest


def start(app: App, thread_id: str | None, body: RunBody, *, actor: str) -> Run:
    """
    Create a run.

    Args:
        app: The application as who asks may use it.
        thread_id: The thread; None makes a new one, which is kept.
        body: What is asked for.
        actor: Who asks.

    Raises:
        NotServed: It asks for what Interlock does not do.
        NotFound: There is no such assistant, thread, checkpoint or interrupt.
        InvalidInput: An input, an answer or a change does not fit.
        Conflict: Somebody was first, or the thread is busy, waits, or is of another workflow.
    """
    ask = agent_asks.read(body.given())
    workflow = assistants.find_name(app, body.assistant_id)
    found = _find_thread(app, thread_id, may_be_new=body.if_not_exists == "create")
    if found is not None and found.thread.workflow not in ("", workflow):
        raise Conflict(f"Thread {thread_id} belongs to the workflow {found.thread.workflow!r}.")
    if ask.way is Way.LAUNCH:
        return _launch(app, thread_id, workflow, ask, body, found, actor=actor)
    if ask.break_before or ask.break_after:
        raise NotServed("breakpoints of a run that goes on: those of the launch hold")
    if found is None:
        raise _without_input()
    if ask.way is Way.ANSWER:
        return _answer(app, found.thread.thread_id, ask.answer, actor=actor)
    if ask.way is Way.GO_ON:
        return _go_on(app, found, actor=actor)
    return _fork(app, found, ask, actor=actor)


def _find_thread(app: App, thread_id: str | None, *, may_be_new: bool) -> ThreadFound | None:
    if thread_id is None:
        return None
    try:
        return thread_searching.find(app, thread_id)
    except NotFound:
        if not may_be_new:
            raise
        return None


def _launch(
    app: App,
    thread_id: str | None,
    workflow: str,
    ask: Ask,
    body: RunBody,
    found: ThreadFound | None,
    *,
    actor: str,
) -> Run:
    request = launching.Launch(
        workflow=workflow,
        input=ask.input,
        context=ask.context,
        thread_id=thread_id,
        break_before=ask.break_before,
        break_after=ask.break_after,
        recursion_limit=ask.recursion_limit,
    )
    if found is None and body.metadata:  # what is said of its first run is said of the thread
        launching.prepare(app, launching.fetch_workflow(app, workflow), request)
        request = replace(request, thread_id=thread_id or ThreadId(new_id()))
        said = dict(body.metadata)
        thread_searching.make(app, request.thread_id, workflow=workflow, data=said, actor=actor)
    return launching.launch(app, request, actor=actor)


@dataclass(frozen=True)
class _Step:
    """What is decided on one card; `is_late` where it is known that this is refused."""

    card: Approval
    intent: Intent
    is_late: bool


def _answer(app: App, thread_id: ThreadId, value: Json, *, actor: str) -> Run:
    """Nothing is decided where it is known of one of the cards that it would be refused."""
    cards = _list_cards(app, thread_id)
    chosen = agent_answers.choose(thread_id, cards, value)
    _require_may(app, [each.card for each in chosen if each.is_open], actor=actor)
    steps = [_plan(app, each, actor=actor) for each in chosen]
    decided = [
        deciding.decide(
            app, each.card.approval_id, each.intent, version=each.card.version, actor=actor
        )
        for each in sorted(steps, key=lambda step: not step.is_late)  # the first then refuses
    ]
    # Where more people have to agree, nothing goes on yet: the run that waits is told.
    run_ids = [each.run_id for each in decided if each.run_id is not None]
    return observing.get_run(app, run_ids[-1] if run_ids else decided[-1].approval.run_id)


def _require_may(app: App, cards: list[Approval], *, actor: str) -> None:
    person = permitting.resolve(app, name=actor)
    for card in cards:
        voting.require_may(card, person)
    card_claims.require_free(app, [card.approval_id for card in cards], name=person.name)


def _plan(app: App, answered: Answered, *, actor: str) -> _Step:
    """The decision that an answer stands for; of a card that is open it is known that it takes it."""
    card, value = answered.card, answered.value
    if not answered.is_open:
        return _Step(card, Intent(verb=Verb.ANSWER, value=value), is_late=True)
    policy = observing.get_workflow(app, card.workflow).policy
    answers = approval_rules.answers_of(card, policy)
    question = replace(payloads.question_of(card), answers=answers)
    intent = native_answers.read(question, value)
    answer = payloads.build_answer(question, intent)
    if card.route.quorum <= 1:
        return _Step(card, intent, is_late=False)
    sends = routing.sends_of(question, intent, answer)
    found = observing.get_card(app, card.approval_id).votes
    cast = [vote for vote in found if vote.version == card.version]
    verb = intent.verb or Verb.ANSWER
    effect = routing.weigh(card.route, cast, intent, sends, actor=actor, verb=verb)
    return _Step(card, intent, is_late=effect is Effect.REPEATS)


def _go_on(app: App, found: ThreadFound, *, actor: str) -> Run:
    """Let a thread go on where it stands: at a breakpoint, or after a failure."""
    thread = found.thread
    if thread.last_run_id is None:
        raise _without_input()
    last = observing.get_run(app, thread.last_run_id)
    if last.status in OPEN:
        raise Conflict(f"Thread {thread.thread_id} is busy with run {last.run_id}.")
    standing = [card for card in found.cards if card.interrupt_id is None]
    if standing:
        go_on, card = Intent(verb=Verb.APPROVE), standing[0]
        decided = deciding.decide(app, card.approval_id, go_on, version=card.version, actor=actor)
        return observing.get_run(app, decided.run_id or last.run_id)
    if last.status is RunStatus.WAITING:
        raise Conflict(
            f"Thread {thread.thread_id} waits for an answer.",
            hint='Send it as `command={"resume": ...}`.',
        )
    if not may_retry(last.status, has_error=last.error is not None):
        raise Conflict(f"Thread {thread.thread_id} has ended: nothing is due.")
    return running.retry(app, last.run_id, actor=actor, reason=REASON)


def _fork(app: App, found: ThreadFound, ask: Ask, *, actor: str) -> Run:
    thread = found.thread
    target = ask.checkpoint_id or thread.head_checkpoint_id
    if target is None:
        raise _without_input()
    edits = tuple(
        FieldEdit(field=name, value=value, mode=EditMode.APPEND)
        for name, value in ask.edits.items()
    )
    request = ForkRequest(
        verb=RewindVerb.EDIT if edits else RewindVerb.RERUN,
        checkpoint_id=CheckpointId(target),
        edits=edits,
    )
    is_where_it_stands = not edits and target == thread.head_checkpoint_id
    if is_where_it_stands and any(card.interrupt_id is None for card in found.cards):
        return _go_on(app, found, actor=actor)
    return rewinding.apply(app, thread.thread_id, request, actor=actor, reason=REASON)


def _list_cards(app: App, thread_id: ThreadId) -> list[Approval]:
    return observing.list_inbox(
        app, statuses=(), thread_id=thread_id, limit=MAX_CARDS, newest_first=True
    )


def _without_input() -> InvalidInput:
    return InvalidInput("Nothing has run on this thread yet: its first run needs an `input`.")
