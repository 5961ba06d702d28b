"""The page of what others are told."""

from __future__ import annotations

from interlock.core.model.notice_rules import NoticeRule
from interlock.core.model.notices import NoticeStatus
from interlock.core.model.policies import Policies
from interlock.core.services import notice_desk
from interlock.core.services.notice_targets import find_targets
from interlock.core.services.noticing import Collector
from interlock.core.store import notices
from interlock.core.store.engine import write
from interlock.dashboard import keys


def texts(page):
    return " ".join([e.value for e in [*page.markdown, *page.caption, *page.text]])


def test_a_page_without_rules_says_so(open_page):
    page = open_page("notices")
    assert not page.exception
    assert "nobody is told of anything" in texts(page)


def test_a_test_is_sent_and_what_was_given_up_tried_again(app, seed, open_page):
    rules = (
        NoticeRule(name="team", to=("json://example/secret",)),
        NoticeRule(name="gone", to=("${INTERLOCK_NOT_SET}",)),
    )
    Collector(app, find_targets(Policies(notices=rules))).begin()
    page = open_page("notices")
    assert "gone, address 1: the variable INTERLOCK_NOT_SET is not set" in texts(page)
    page.button(key=keys.told_test("team")).click().run()
    assert "No worker is running" in texts(page) + page.warning[0].value
    seed.worker()
    page.button(key=keys.told_test("team")).click().run()
    assert not page.exception
    (made,) = notice_desk.list_notices(app).notices
    assert (made.event, made.target) == ("test", "json://…")
    now = app.clock.now()
    with write(app.engine) as conn:
        place = ("people", "team", 0)
        (mine,) = notices.claim_due(conn, place, now=now, until=now, limit=1)
        done = {"status": NoticeStatus.GIVEN_UP, "settled_at": now, "last_error": "Refused."}
        notices.settle(conn, mine, done, until=now)
    page = open_page("notices", show="Given up")
    assert not page.exception
    assert page.dataframe[1].value.iloc[0]["Last error"] == "Refused."
    page.button(key=keys.told_again()).click().run()
    assert not page.exception
    assert notice_desk.list_notices(app).notices[0].status is NoticeStatus.WAITING
    assert "No message is like this." in texts(page)
