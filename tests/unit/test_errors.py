"""What a caller is told when something cannot be done."""

from __future__ import annotations

import pytest

from interlock.core import errors
from interlock.core.errors import (
    Conflict,
    FieldProblem,
    GraphFailed,
    InterlockError,
    InvalidInput,
    NotFound,
)


def all_errors() -> list[type[InterlockError]]:
    """Each class of the tree."""
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [each for each in found if issubclass(each, InterlockError)]


@pytest.mark.parametrize("error", all_errors())
def test_every_error_says_what_happened_and_has_an_exit_code(error: type[InterlockError]) -> None:
    assert error.__doc__
    assert 1 <= error.exit_code <= 6


def test_exit_codes_are_those_that_scripts_rely_on() -> None:
    codes = {each.__name__: each.exit_code for each in all_errors()}
    assert {name: code for name, code in codes.items() if code != 1} == {
        "UsageError": 2,
        "Conflict": 3,
        "NotFound": 4,
        "NotAllowed": 5,
        "SignedOut": 5,
        "QueueFull": 6,
        "SwitchedOff": 6,
    }


def test_message_ends_with_its_hint() -> None:
    assert str(InterlockError("No.", hint="Do this.")) == "No. Do this."
    assert str(InterlockError("No.")) == "No."


def test_missing_object_is_named_with_its_id() -> None:
    missing = NotFound("run", "r1", hint="See `interlock runs`.")
    assert str(missing) == "There is no run 'r1'. See `interlock runs`."
    assert (missing.what, missing.object_id) == ("run", "r1")


def test_conflict_carries_who_won() -> None:
    assert Conflict("Late.", winner={"actor": "Ada"}).winner == {"actor": "Ada"}
    assert Conflict("Late.").winner is None


def test_refused_input_lists_its_problems_by_field() -> None:
    problems = [FieldProblem("a.0", "is required"), FieldProblem("", "is too long")]
    refused = InvalidInput("Wrong:", problems=problems, hint="Try again.")
    assert str(refused) == "Wrong: a.0: is required; is too long Try again."
    assert refused.problems == tuple(problems)
    assert str(InvalidInput("Wrong.")) == "Wrong."


def test_failed_graph_keeps_the_type_and_the_trace() -> None:
    failed = GraphFailed("no", error_type="ValueError", stack="trace")
    assert (str(failed), failed.error_type, failed.stack) == ("no", "ValueError", "trace")
