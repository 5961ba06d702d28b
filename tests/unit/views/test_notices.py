from __future__ import annotations

from interlock.dashboard.views import notices


def test_an_empty_place_offers_the_showcase_first(make):
    empty = notices.offer_launch("Nothing.", [make.workflow("a"), make.workflow("refund_desk")])
    assert empty.link is not None
    assert empty.link.label == "Launch the refund desk"
    assert empty.link.params == {"workflow": "refund_desk"}


def test_a_workflow_that_failed_to_load_is_not_offered(make):
    empty = notices.offer_launch("Nothing.", [make.workflow(error="no module")])
    assert empty.link is None
    assert "No workflow is loaded yet" in empty.text


def test_a_name_with_spaces_is_said_as_it_is(make):
    assert notices.find_launchable([make.workflow("my flow")]).name == "my flow"
    assert notices.say_name("my flow") == "my flow"
