"""What a job does when it is handed out: every kind, every place its last worker may have died at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model.delivery import (
    HANDED_OVER,
    MAX_DEATHS_AT_ONE_PLACE,
    Delivery,
    Head,
    LiveInterrupt,
    Plan,
    Step,
    count_tries,
    is_suspect,
    plan_delivery,
)
from interlock.core.model.history import Fork
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import RunKind

OWN, OTHER = "own", "other"


def asks(interrupt_id, *, is_answered=False):
    return LiveInterrupt(
        interrupt_id=interrupt_id,
        value="?",
        schema=None,
        node="ask",
        namespace=f"ask:{interrupt_id}",
        is_answered=is_answered,
    )


def head(**given):
    fields = {
        "checkpoint_id": "c1",
        "run_id": OWN,
        "due": ("ask",),
        "next": ("ask",),
        "has_unfinished": True,
        "is_untouched": True,
    }
    if given.keys() & {"interrupts", "has_failed"}:
        fields |= {"has_unfinished": False, "is_untouched": False}
    return Head(**(fields | given))


FINISHED = head(due=(), next=(), has_unfinished=False)
UNTOUCHED = head()
WAITING = head(interrupts=(asks("q1"),))
ANSWERED = head(interrupts=(asks("q1", is_answered=True),), has_unfinished=True)
FAILED = head(has_failed=True)
AT_BREAKPOINT = head(is_at_breakpoint=True)
STEP_NOT_CLOSED = head(next=(), has_unfinished=False, is_untouched=False)


def plan(
    kind,
    at,
    *,
    is_first=False,
    is_retry=False,
    answers=None,
    card="c0",
    failed=False,
    fork=None,
):
    return plan_delivery(
        Delivery(
            kind=kind,
            is_first=is_first,
            is_retry=is_retry,
            own_run_ids=frozenset({OWN}),
            answers=answers or {},
            card_checkpoint_id=card if kind is RunKind.PROCEED else None,
            head=at,
            is_after_failure=failed,
            fork=fork,
        )
    )


def make_fork(verb=RewindVerb.RERUN, *, target="c0", left="c1"):
    return Fork(
        fork_id="f",
        thread_id="t",
        run_id=OWN,
        verb=verb,
        target_id=target,
        left_id=left,
        actor="ann",
        reason="wrong",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def of_other(at):
    return replace(at, run_id=OTHER)


# --- start ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [None, of_other(FINISHED), of_other(WAITING)])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_start_that_left_no_checkpoint_sends_its_input(at, is_first):
    assert plan(RunKind.START, at, is_first=is_first) == Plan(Step.SEND_INPUT)


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (UNTOUCHED, Step.GO_ON),
        (STEP_NOT_CLOSED, Step.GO_ON),
        (head(interrupts=(asks("q1"),), has_unfinished=True), Step.GO_ON),
        (WAITING, Step.RECORD),
        (FINISHED, Step.RECORD),
        (FAILED, Step.RECORD),
        (AT_BREAKPOINT, Step.RECORD),
    ],
)
def test_a_start_handed_out_again_goes_on_or_only_records(at, step):
    assert plan(RunKind.START, at) == Plan(step)


def test_the_end_of_a_step_that_was_not_taken_in_is_not_the_end_of_the_run():
    assert plan(RunKind.START, STEP_NOT_CLOSED).step is Step.GO_ON


# --- resume -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False])
def test_answers_go_to_the_questions_that_are_open_and_to_no_other(is_first):
    at = of_other(head(interrupts=(asks("q1"), asks("q2", is_answered=True), asks("q3"))))
    answers = {"q1": "a", "q2": "b", "gone": "c"}

    found = plan(RunKind.RESUME, at, is_first=is_first, answers=answers)

    assert found == Plan(Step.SEND_ANSWERS, answers={"q1": "a"})


@pytest.mark.parametrize("answer", [None, False, "", 0, [], {}])
def test_an_empty_answer_is_an_answer(answer):
    found = plan(RunKind.RESUME, of_other(WAITING), answers={"q1": answer})

    assert found == Plan(Step.SEND_ANSWERS, answers={"q1": answer})


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (head(interrupts=(asks("q2"),)), Step.RECORD),
        (FINISHED, Step.RECORD),
        (head(interrupts=(asks("q1", is_answered=True),), has_failed=True), Step.RECORD),
        (ANSWERED, Step.GO_ON),
        (UNTOUCHED, Step.GO_ON),
        (AT_BREAKPOINT, Step.RECORD),
    ],
)
def test_an_answer_that_was_consumed_is_not_sent_again(at, step):
    assert plan(RunKind.RESUME, at, answers={"q1": "a"}) == Plan(step)


@pytest.mark.parametrize("at", [UNTOUCHED, FINISHED, ANSWERED])
def test_where_another_application_answered_first_ours_is_refused_and_nothing_goes_on(at):
    ours = Delivery(
        kind=RunKind.RESUME,
        is_first=True,
        is_retry=False,
        own_run_ids=frozenset({"r2"}),
        answers={"q1": "yes"},
        card_checkpoint_id=None,
        head=at,
        is_shared=True,
    )
    assert plan_delivery(ours).step is Step.REFUSE
    assert plan_delivery(replace(ours, is_first=False)).step is not Step.REFUSE
    assert plan_delivery(replace(ours, own_run_ids=frozenset({OWN}))).step is not Step.REFUSE
    assert plan_delivery(replace(ours, head=WAITING)).step is Step.SEND_ANSWERS


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("kind", "is_retry", "why"),
    [
        (RunKind.RESUME, False, "answered it"),
        (RunKind.RESUME, True, "gone on"),
        (RunKind.ATTACHED, True, "gone on"),
        (RunKind.START, True, "gone on"),
        (RunKind.PROCEED, True, "gone on"),
    ],
)
def test_what_another_application_moved_meanwhile_is_left_alone_at_every_delivery(
    kind, is_retry, why, is_first
):
    ours = Delivery(
        kind=kind,
        is_first=is_first and not is_retry,
        is_retry=is_retry,
        own_run_ids=frozenset({"r2"}),
        answers={"q1": "yes"},
        card_checkpoint_id="c0" if kind is RunKind.PROCEED else None,
        head=head(has_unfinished=True),
        is_shared=True,
        places=frozenset({"c0"}),
    )
    found = plan_delivery(ours)
    assert (found.step, why in found.reason) == (Step.REFUSE, True)
    for other in (
        replace(ours, own_run_ids=frozenset({OWN})),
        replace(ours, is_shared=False),
        replace(ours, is_first=False, places=frozenset({"c0", ours.head.checkpoint_id})),
        replace(ours, is_first=False, places=frozenset()),
    ):
        assert why not in plan_delivery(other).reason
    assert plan_delivery(replace(ours, head=None)).reason != found.reason


@pytest.mark.parametrize("is_retry", [False, True])
def test_an_input_that_a_shared_thread_has_is_not_sent_again_behind_another_application(is_retry):
    ours = Delivery(
        kind=RunKind.START,
        is_first=False,
        is_retry=is_retry,
        own_run_ids=frozenset({"r2"}),
        answers={},
        card_checkpoint_id=None,
        head=head(has_unfinished=True),
        is_shared=True,
        has_begun=True,
    )
    found = plan_delivery(ours)
    assert (found.step, "gone on" in found.reason) == (Step.REFUSE, True)
    assert plan_delivery(replace(ours, has_begun=False)).step is Step.SEND_INPUT
    assert plan_delivery(replace(ours, head=None)).step is Step.SEND_INPUT
    assert plan_delivery(replace(ours, own_run_ids=frozenset({OWN}))).step is Step.GO_ON


def test_an_answered_task_goes_on_although_its_sibling_still_asks():
    at = head(
        interrupts=(asks("q1", is_answered=True), asks("q2")),
        has_unfinished=True,
    )

    assert plan(RunKind.RESUME, at, answers={"q1": "a"}) == Plan(Step.GO_ON)


def test_a_resume_without_a_checkpoint_is_refused():
    assert plan(RunKind.RESUME, None, answers={"q1": "a"}).step is Step.REFUSE


# --- retry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RunKind.START, RunKind.RESUME, RunKind.PROCEED])
def test_only_a_retry_runs_a_failed_node_again(kind):
    at = replace(FAILED, checkpoint_id="c0")

    assert plan(kind, at, is_retry=True) == Plan(Step.GO_ON)
    assert plan(kind, at) == Plan(Step.RECORD)


def test_a_retry_hands_over_an_answer_that_was_lost():
    found = plan(RunKind.RESUME, WAITING, is_retry=True, answers={"q1": "a"})

    assert found == Plan(Step.SEND_ANSWERS, answers={"q1": "a"})


def test_a_retry_of_a_start_that_never_began_sends_its_input():
    assert plan(RunKind.START, None, is_retry=True) == Plan(Step.SEND_INPUT)
    assert plan(RunKind.START, of_other(FINISHED), is_retry=True) == Plan(Step.SEND_INPUT)


def test_a_retry_of_a_cancelled_wait_asks_again_instead_of_walking_on():
    assert plan(RunKind.START, WAITING, is_retry=True) == Plan(Step.RECORD)
    assert plan(RunKind.START, AT_BREAKPOINT, is_retry=True) == Plan(Step.RECORD)


# --- proceed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False])
def test_a_breakpoint_is_passed_while_its_card_is_the_head(is_first):
    at = of_other(replace(AT_BREAKPOINT, checkpoint_id="c0"))

    assert plan(RunKind.PROCEED, at, is_first=is_first) == Plan(Step.PROCEED)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("at", [None, of_other(AT_BREAKPOINT), of_other(UNTOUCHED)])
def test_a_breakpoint_card_does_nothing_once_another_hand_moved_the_thread(at, is_first):
    assert plan(RunKind.PROCEED, at, is_first=is_first).step is Step.REFUSE


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (AT_BREAKPOINT, Step.RECORD),
        (UNTOUCHED, Step.GO_ON),
        (WAITING, Step.RECORD),
        (FINISHED, Step.RECORD),
        (FAILED, Step.RECORD),
        (replace(WAITING, checkpoint_id="c0"), Step.RECORD),
        (replace(FAILED, checkpoint_id="c0"), Step.RECORD),
        (replace(STEP_NOT_CLOSED, checkpoint_id="c0"), Step.GO_ON),
    ],
)
def test_a_proceed_handed_out_again_does_not_walk_past_what_it_came_to(at, step):
    assert plan(RunKind.PROCEED, at) == Plan(step)


@pytest.mark.parametrize(("at", "step"), [(AT_BREAKPOINT, Step.RECORD), (UNTOUCHED, Step.GO_ON)])
def test_a_proceed_that_came_on_inside_a_subgraph_is_not_carried_out_there_again(at, step):
    inside = replace(of_other(at), checkpoint_id="c0", inner_run_ids=frozenset({OWN}))

    assert plan(RunKind.PROCEED, inside) == Plan(step)


def test_a_head_inside_a_subgraph_differs_by_where_it_stands_there():
    at = replace(UNTOUCHED, inner_ids=frozenset({"i1"}))

    assert not at.differs(at)
    assert at.differs(replace(at, inner_ids=frozenset({"i2"})))
    assert at.differs(replace(at, checkpoint_id="c9"))


# --- any --------------------------------------------------------------------------------------------

HEADS = st.builds(
    lambda run_id, **given: head(run_id=run_id, **given),
    run_id=st.sampled_from([OWN, OTHER, None]),
    checkpoint_id=st.sampled_from(["c0", "c1"]),
    due=st.sampled_from([(), ("ask",), ("ask", "side")]),
    interrupts=st.lists(
        st.builds(asks, st.sampled_from(["q1", "q2"]), is_answered=st.booleans()),
        max_size=2,
        unique_by=lambda i: i.interrupt_id,
    ).map(tuple),
    has_failed=st.booleans(),
    has_unfinished=st.booleans(),
    is_untouched=st.booleans(),
    is_at_breakpoint=st.booleans(),
    inner_run_ids=st.frozensets(st.sampled_from([OWN, OTHER])),
)


@given(
    kind=st.sampled_from([RunKind.START, RunKind.RESUME, RunKind.PROCEED]),
    at=st.none() | HEADS,
    is_first=st.booleans(),
    is_retry=st.booleans(),
    answers=st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), st.integers()),
)
def test_no_delivery_ever_sends_a_closed_question_an_answer_or_walks_past_an_open_one(
    kind, at, is_first, is_retry, answers
):
    found = plan(kind, at, is_first=is_first, is_retry=is_retry, answers=answers)

    open_ids = at.open_ids if at is not None else frozenset()
    assert found.answers.keys() <= open_ids & answers.keys()
    assert bool(found.answers) == (found.step is Step.SEND_ANSWERS)
    if found.step is Step.GO_ON:
        assert at.due
        assert at.has_unfinished or not open_ids or (is_retry and at.has_failed)
        assert not at.is_at_breakpoint or (is_retry and at.has_failed)
    if found.step is Step.SEND_INPUT:
        assert kind is RunKind.START
        assert is_first or at is None or at.run_id != OWN
    assert (found.step is Step.REFUSE) == bool(found.reason)


# --- what kills its worker --------------------------------------------------------------------------


def deaths_until_given_up(places):
    """How many workers die at the last of these places before the job is given up."""
    note = None
    for place in places[:-1]:
        tries = count_tries(note, place)
        note = tries.note
        assert not tries.are_too_many
    deaths = 1
    while True:
        tries = count_tries(note, places[-1])
        if tries.are_too_many:
            return deaths
        note, deaths = tries.note, deaths + 1


@pytest.mark.parametrize("places", [[None], ["c1"], ["c1", "c2"], [None, "c1"], ["c1", "c1", "c2"]])
def test_a_job_is_given_up_after_three_deaths_at_one_place(places):
    assert deaths_until_given_up(places) == MAX_DEATHS_AT_ONE_PLACE == 3


def test_a_job_that_was_handed_over_starts_counting_anew():
    tries = count_tries(HANDED_OVER, "c1")

    assert (tries.count, tries.are_too_many) == (1, False)


def test_a_job_that_dies_even_of_being_looked_at_is_hopeless_one_try_later():
    given_up = count_tries("c1:3", "c1")
    hopeless = count_tries(given_up.note, "c1")

    assert (given_up.are_too_many, given_up.are_hopeless) == (True, False)
    assert hopeless.are_hopeless


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(None, False), (HANDED_OVER, False), ("c1:1", False), ("c1:2", True), ("c1:3", True)],
)
def test_a_job_that_was_there_at_two_deaths_is_carried_alone(progress, expected):
    assert is_suspect(progress) is expected


# --- what was decided on a failed node --------------------------------------------------------------

HALF_DONE = head(is_untouched=False)
COPY = head(checkpoint_id="c2", is_copy=True)


def mend(at, **given):
    return plan(RunKind.PROCEED, at, card="c1", failed=True, **given).step


@pytest.mark.parametrize("at", [FAILED, UNTOUCHED, HALF_DONE])
@pytest.mark.parametrize("run_id", [OWN, OTHER])
def test_a_decision_on_a_failed_node_is_carried_out_however_it_failed(at, run_id):
    assert mend(replace(at, run_id=run_id), is_first=True) is Step.PROCEED


@pytest.mark.parametrize(("at", "step"), [(FINISHED, Step.RECORD), (WAITING, Step.RECORD)])
def test_a_decision_on_a_thread_that_ended_or_asks_by_now_does_nothing(at, step):
    assert mend(at, is_first=True) is step


def test_a_sibling_that_asks_does_not_keep_the_failed_node_from_being_mended():
    both = replace(FAILED, interrupts=(asks("q1"),))
    assert mend(both, is_first=True) is Step.PROCEED
    assert mend(both) is Step.PROCEED


@pytest.mark.parametrize("is_retry", [True, False])
def test_a_decision_is_carried_out_again_while_the_node_stands_failed(is_retry):
    assert mend(FAILED, is_retry=is_retry) is Step.PROCEED
    assert mend(UNTOUCHED, is_retry=is_retry) is Step.PROCEED


def test_once_it_was_carried_out_the_thread_goes_on_from_there():
    assert mend(HALF_DONE) is Step.GO_ON
    assert mend(replace(UNTOUCHED, inner_run_ids=frozenset({OWN}))) is Step.GO_ON
    assert mend(WAITING) is Step.RECORD


def test_an_edit_is_made_on_the_copy_it_starts_from_and_only_there():
    assert mend(COPY) is Step.PROCEED
    assert mend(replace(COPY, is_untouched=False)) is Step.GO_ON
    assert mend(replace(COPY, is_copy=False)) is Step.GO_ON
    assert mend(of_other(COPY)) is Step.REFUSE


# --- rewind and copy --------------------------------------------------------------------------------

VERBS = [verb for verb in RewindVerb if verb is not RewindVerb.COPY]
HEADS = [FINISHED, UNTOUCHED, WAITING, ANSWERED, FAILED, AT_BREAKPOINT, STEP_NOT_CLOSED]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("at", HEADS)
@pytest.mark.parametrize("is_retry", [False, True])
def test_a_rewind_forks_at_the_head_that_was_left_and_nowhere_else(verb, at, is_retry):
    given = {"fork": make_fork(verb), "is_retry": is_retry, "answers": {"q1": "old"}}
    left = replace(at, run_id=OTHER)
    assert plan(RunKind.REWIND, left, **given) == Plan(Step.FORK)
    moved = replace(left, checkpoint_id="c2")
    assert plan(RunKind.REWIND, moved, **given).step is Step.REFUSE
    assert plan(RunKind.REWIND, None, **given).step is Step.REFUSE


@pytest.mark.parametrize("made", [{"is_copy": True}, {"is_update": True}])
@pytest.mark.parametrize("verb", VERBS)
def test_a_rewind_that_has_only_made_its_fork_goes_on_with_it(verb, made):
    """Past a breakpoint, too: it would have passed it, had its worker not died."""
    for at in (UNTOUCHED, AT_BREAKPOINT):
        own = replace(at, checkpoint_id="c2", **made)
        assert plan(RunKind.REWIND, own, fork=make_fork(verb)) == Plan(Step.FORK)
    ended = replace(FINISHED, checkpoint_id="c2", is_untouched=True, **made)
    assert plan(RunKind.REWIND, ended, fork=make_fork(verb)) == Plan(Step.RECORD)


def test_a_rewind_whose_fork_has_run_is_as_any_run():
    def step(at, **more):
        return plan(RunKind.REWIND, replace(at, checkpoint_id="c2"), fork=make_fork(), **more).step

    assert step(FINISHED) is Step.RECORD
    assert step(replace(WAITING, is_copy=True)) is Step.RECORD
    assert step(FAILED) is Step.RECORD
    assert step(FAILED, is_retry=True) is Step.GO_ON
    assert step(AT_BREAKPOINT) is Step.RECORD
    assert step(UNTOUCHED) is Step.GO_ON
    inside = replace(UNTOUCHED, is_copy=True, inner_run_ids=frozenset({OWN}))
    assert step(inside) is Step.GO_ON
    assert step(WAITING, is_retry=True, answers={"q1": "yes"}) is Step.SEND_ANSWERS


def test_a_copy_is_made_once_and_then_recorded():
    fork = make_fork(RewindVerb.COPY, target="c1", left=None)
    assert plan(RunKind.COPY, None, fork=fork) == Plan(Step.COPY)
    assert plan(RunKind.COPY, head(checkpoint_id="c0"), fork=fork) == Plan(Step.COPY)
    for at in HEADS:
        assert plan(RunKind.COPY, of_other(at), fork=fork) == Plan(Step.RECORD)
        assert plan(RunKind.COPY, of_other(at), fork=fork, is_first=True) == Plan(Step.RECORD)
    for at in ("c0", "c2"):  # it would take the copy for what it is not
        other = plan(RunKind.COPY, head(checkpoint_id=at), fork=fork, is_first=True)
        assert other.step is Step.REFUSE
    assert plan(RunKind.COPY, None).step is Step.REFUSE
    retried = plan(RunKind.COPY, of_other(FAILED), fork=fork, is_retry=True)
    assert retried == Plan(Step.GO_ON)
