"""What `make chaos` calls a loss: a check that finds nothing must be one that would."""

from __future__ import annotations

from tests.chaos.effects import Evidence, Fate, Line, judge

ONE, TWO = 101, 102  # processes


def line(at, phase, *, pid=ONE, place="charge", task="task 1", value=None):
    return Line(at, pid, "t1", "c1", task, place, phase, value)


def ran(at, *, pid=ONE, place="charge", task="task 1", seconds=1.0):
    """A node that came to its end."""
    given = {"pid": pid, "place": place, "task": task}
    return [line(at, "begin", **given), line(at + seconds, "end", **given)]


def asked(at, *, pid=ONE, answer=None):
    """A node that asks, and that goes on where it has its answer."""
    given = {"pid": pid, "place": "review"}
    lines = [line(at, "begin", **given), line(at + 0.1, "ask 0", **given)]
    if answer is not None:
        lines.append(line(at + 0.2, "answered 0", value=answer, **given))
        lines.append(line(at + 0.3, "end", **given))
    return lines


def losses(lines, **evidence):
    return judge(Evidence(lines=lines, **evidence)).losses


def test_nodes_that_ran_once_are_no_loss():
    judged = judge(Evidence(lines=[*ran(1), *ran(3, place="notify", task="task 2")]))
    assert (judged.losses, judged.executions, judged.repeated) == ([], 2, 0)


def test_what_runs_again_though_nothing_happened_is_a_loss():
    [loss] = losses([*ran(1), *ran(3)])
    assert "nothing had happened" in loss


def test_what_was_in_flight_when_its_worker_was_lost_may_run_again():
    lines = [line(1, "begin"), *ran(9, pid=TWO)]
    judged = judge(Evidence(lines=lines, fates={ONE: Fate(lost_at=[2.0])}))
    assert (judged.losses, judged.repeated) == ([], 1)


def test_a_worker_that_was_lost_before_or_after_is_no_reason():
    lines = [line(5, "begin"), *ran(9, pid=TWO)]
    for lost_at in (2.0, 12.0):
        assert losses(lines, fates={ONE: Fate(lost_at=[lost_at])})


def test_what_was_durable_may_not_run_again_whatever_happened():
    lines = [*ran(1), *ran(9, pid=TWO)]
    [loss] = losses(lines, fates={ONE: Fate(lost_at=[3.0])}, durable_at={"task 1": 2.5})
    assert "6.500 s after what it wrote was durable" in loss
    assert not losses(lines, fates={ONE: Fate(lost_at=[3.0])}, durable_at={"task 1": 10.5})


def test_two_workers_at_one_thread_at_once_are_a_loss():
    lines = [*ran(1, seconds=5), *ran(3, pid=TWO, place="notify", task="task 2")]
    [loss] = losses(lines)
    assert "while process 101 was at charge" in loss
    assert not losses(lines, fates={ONE: Fate(lost_at=[2.0])})


def test_what_a_worker_begins_after_it_was_taken_over_from_is_a_loss():
    lines = [*ran(1), *ran(9, pid=TWO, place="b", task="b"), *ran(12, place="c", task="c")]
    [loss] = losses(lines, fates={ONE: Fate(lost_at=[3.0], gave_up_at=15.0)})
    assert "from which the thread was taken over" in loss
    assert not losses(lines, fates={ONE: Fate(lost_at=[3.0])})  # it only paused


def test_a_worker_may_give_up_some_time_after_it_was_taken_over_from():
    lines = [line(1, "begin"), *ran(9, pid=TWO)]
    assert not losses(lines, fates={ONE: Fate(lost_at=[20.0], gave_up_at=20.0)})
    assert losses(lines, fates={ONE: Fate(lost_at=[60.0], gave_up_at=60.0)})


def test_a_question_is_asked_again_with_each_answer_to_its_step():
    lines = [*asked(1), *asked(5), *asked(9, answer="yes")]
    answered = {"resumed_at": {"t1": [4.0, 8.0]}, "answers": {"t1": ["yes"]}}
    judged = judge(Evidence(lines=lines, **answered))
    assert (judged.losses, judged.repeated) == ([], 0)
    assert losses(lines, **answered | {"resumed_at": {"t1": [8.0]}})


def test_an_answer_that_nobody_gave_or_another_than_before_is_a_loss():
    lines = [*asked(1), *asked(5, answer="yes")]
    assert losses(lines, resumed_at={"t1": [4.0]}, answers={"t1": ["no"]})
    lines = [*asked(1, answer="yes"), *asked(5, pid=TWO, answer="no")]
    found = losses(lines, fates={ONE: Fate(lost_at=[2.0])}, answers={"t1": ["yes", "no"]})
    assert ["was told 'no' after 'yes'" in loss for loss in found] == [True]
