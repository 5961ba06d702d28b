from __future__ import annotations

from interlock.core.model.holds import EVERYTHING, Hold, find_hold
from interlock.dashboard.views import holds


def a_hold(make, scope=EVERYTHING, reason="", held_by="Ann"):
    return Hold(scope=scope, held_by=held_by, reason=reason, held_at=make.ago(minutes=4))


def test_what_is_held_is_told_with_who_and_why(make):
    view = holds.build([a_hold(make, "pay", "The bank is shut.")], ["mail", "pay"], make.now)

    (held,) = view.held
    assert held.said == "pay is held by Ann, 4 min ago: The bank is shut."
    assert (held.scope, held.label) == ("pay", "pay")
    assert view.scopes == ((EVERYTHING, "Everything"), ("mail", "mail"))


def test_a_reason_ends_as_a_sentence_and_none_is_left_out(make):
    for_something = holds.build([a_hold(make, reason="audit")], [], make.now)
    for_nothing = holds.build([a_hold(make)], [], make.now)

    assert for_something.held[0].said == "Everything is held by Ann, 4 min ago: audit."
    assert for_nothing.held[0].said == "Everything is held by Ann, 4 min ago."
    assert for_nothing.scopes == ()


def test_a_run_that_does_not_start_says_what_holds_it(make):
    own, whole = a_hold(make, "pay"), a_hold(make, held_by="Bob")

    assert holds.find_hold_notice([own], "mail", make.now) is None
    assert holds.find_hold_notice([own], "pay", make.now).text == (
        "This workflow is held by Ann, 4 min ago. It goes on at the release."
    )
    assert "Everything is held by Bob" in holds.find_hold_notice([own, whole], "pay", make.now).text


def test_the_hold_of_everything_goes_before_a_workflow_s_own(make):
    own, whole = a_hold(make, "pay"), a_hold(make)

    assert find_hold([own, whole], "pay") is whole
    assert find_hold([own], "pay") is own
    assert find_hold([own], "mail") is None
    assert whole.is_of_everything
    assert not own.is_of_everything
