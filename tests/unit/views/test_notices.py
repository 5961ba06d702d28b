from __future__ import annotations

from interlock.dashboard.views import notices


def test_nothing_is_said_while_a_worker_is_alive(make):
    said = notices.find_worker_notice(
        workers_alive=1, newest_heartbeat_at=make.now, jobs_due=3, now=make.now
    )
    assert said is None


def test_a_missing_worker_is_said_with_its_age_and_what_waits(make):
    said = notices.find_worker_notice(
        workers_alive=0, newest_heartbeat_at=make.ago(seconds=55), jobs_due=2, now=make.now
    )
    assert said is not None
    assert said.weight == "error"
    assert "No worker for 55 s" in said.text
    assert "2 runs will start" in said.text


def test_a_worker_that_never_was_is_said_otherwise(make):
    said = notices.find_worker_notice(
        workers_alive=0, newest_heartbeat_at=None, jobs_due=0, now=make.now
    )
    assert said is not None
    assert said.text.startswith("No worker has started yet. Start one")


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
