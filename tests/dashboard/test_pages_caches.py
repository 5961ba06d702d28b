"""The caches page without a browser: what is held, and clearing it."""

from __future__ import annotations

from interlock.core.model.caches import Entry, Place
from interlock.core.services import caching, keeping
from interlock.dashboard import keys


def keep(app, path: str) -> None:
    entry = Entry(
        place=Place("refund_desk", path),
        namespace="n",
        key=path,
        encoding="msgpack",
        value=b"v",
        created_at=app.clock.now(),
    )
    keeping.keep(app, entry, clears=0, max_entries=10)


def test_an_empty_page_says_what_would_fill_it(seed, open_page):
    seed.worker()
    at = open_page("caches")
    assert not at.exception
    assert any("interlock" in m.value for m in at.markdown)


def test_one_cache_is_cleared_and_the_other_left(app, seed, open_page):
    seed.worker()
    keep(app, "price")
    keep(app, "tax")
    at = open_page("caches")
    assert not at.exception
    assert at.metric[0].value == "\N{EN DASH}"
    assert list(at.dataframe[0].value["Node"]) == ["price", "tax"]
    picker = at.selectbox(key=keys.cache_clearing("place"))
    picker.select_index(1)
    at.button(key=keys.cache_clearing("clear")).click().run()
    assert not at.exception
    left = [f.place.path for f in caching.list_caches(app) if f.entries]
    assert left == ["tax"]
