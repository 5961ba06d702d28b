"""The audit's page."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from interlock.core.store import audit, engine
from interlock.dashboard import keys

EVIL = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"


@pytest.fixture
def done(app):
    """Three entries, one of which tries to be more than text."""
    with engine.write(app.engine) as conn:
        for actor, object_, reason in (
            ("ann", "run:r1", "first"),
            (EVIL, "approval:a1", EVIL),
            ("ann", "run:r2", ""),
        ):
            audit.append(
                conn,
                at=app.clock.now(),
                actor=actor,
                action="decide",
                object_=object_,
                before={"note": "one two"},
                after={"note": f"one {EVIL}"},
                reason=reason,
            )


def texts(page):
    drawn = [*page.markdown, *page.caption, *page.subheader, *page.error]
    return " ".join(element.value for element in drawn)


def test_an_empty_audit_says_what_would_fill_it(open_page):
    page = open_page("audit")
    assert not page.exception
    assert "Nothing has been done yet" in texts(page)


def test_entries_are_listed_filtered_by_the_address_and_saved(done, open_page):
    page = open_page("audit", actor="ann")
    assert not page.exception
    assert "2 entries that fit" in texts(page)
    assert page.selectbox(key=keys.audit_field("actor")).value == "ann"
    assert list(page.dataframe[0].value["Entry"]) == ["3", "1"]
    saves = {button.key for button in page.get("download_button")}
    assert saves == {keys.audit_save(ending) for ending in ("csv", "jsonl")}
    page.text_input(key=keys.audit_field("q")).set_value("first").run()
    assert page.query_params["q"] == "first"
    assert list(page.dataframe[0].value["Entry"]) == ["1"]
    page.selectbox(key=keys.audit_field("actor")).set_value("Anybody").run()
    assert "actor" not in page.query_params
    page.text_input(key=keys.audit_field("since")).set_value("soon").run()
    assert "Since" in texts(page)


def test_an_entry_is_drawn_inert_with_its_diff(done, open_page):
    page = open_page("audit", entry="2")
    assert not page.exception
    drawn = texts(page)
    assert "<img" not in drawn.replace("\\<", "")
    assert "](javascript" not in drawn
    assert "red-background" in drawn
    assert "Open the card" in [link.proto.label for link in page.get("page_link")]
    assert "99" in texts(open_page("audit", entry="99"))


def test_pages_are_turned(done, open_page, monkeypatch):
    monkeypatch.setattr("interlock.dashboard.views.audit.PAGE_COUNT", 2)
    page = open_page("audit")
    page.button(key=keys.audit_page("older")).click().run()
    assert page.query_params["before"] == "2"
    assert list(page.dataframe[0].value["Entry"]) == ["1"]
    page.button(key=keys.audit_page("latest")).click().run()
    assert "before" not in page.query_params


def test_the_chain_is_looked_at_on_demand(app, done, open_page):
    page = open_page("audit")
    assert "Nobody has looked" in texts(page)
    page.button(key=keys.audit_check()).click().run()
    assert "The chain holds" in texts(page)
    with engine.write(app.engine) as conn:
        conn.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 2"))
    page.button(key=keys.audit_check()).click().run()
    assert "Entry 2 is not as it was written" in texts(page).replace("\\", "")
    assert not page.exception
