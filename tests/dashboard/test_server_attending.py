"""When a process says which cards its screens have open, and what the heads make of it."""

from __future__ import annotations

import pytest

from interlock.core.services import attending
from interlock.core.store import operators
from interlock.core.store.engine import write
from interlock.dashboard.http import broadcasting
from interlock.dashboard.http.attending import Attending, gap_s
from interlock.dashboard.http.heads import ServiceHeads, is_topic


@pytest.fixture
def signed(app, clock):
    with write(app.engine) as conn:
        operators.set_sign_in(conn, "local", by="ann", now=clock.now())
    return app


def opened(app, card):
    return attending.list_open(app, [card.approval_id]).get(card.approval_id, ())


def test_the_topics_of_live_sockets_say_whose_screens_have_which_cards_open():
    hub = broadcasting.Broadcaster(lambda: None, poll_s=1.0)
    with hub.subscribe() as mine, hub.subscribe() as nobodys:
        mine.person = "ann"
        hub.follow(mine, {"inbox", "card:a1", "run:r1"})
        hub.follow(nobodys, {"card:a2"})
        assert hub.opened() == {("a1", "ann")}
    assert hub.opened() == frozenset()
    assert is_topic("card:a1")


@pytest.mark.parametrize(("count", "gap"), [(0, 10.0), (1, 10.0), (4, 2.5), (50, 2.0)])
def test_a_tab_costs_one_write_in_ten_seconds_at_most(count, gap):
    assert gap_s(count) == gap


def test_it_is_said_when_it_changes_and_again_before_it_ends(signed, seed, monkeypatch):
    card, told = seed.card(), []
    now = {(card.approval_id, "ann")}
    place = Attending(signed, lambda: now)
    tell = attending.tell
    monkeypatch.setattr(attending, "tell", lambda *a, **k: told.append(len(a[2])) or tell(*a, **k))
    for at in (0.0, 2.0, 9.0):
        place.look(at)
    assert (told, opened(signed, card)) == ([1], ("ann",))
    place.look(10.0)
    assert told == [1, 1]
    now.clear()
    place.look(12.0)
    assert told == [1, 1]  # not before ten seconds are over
    place.look(20.0)
    assert (told, opened(signed, card)) == ([1, 1, 0], ())
    place.look(60.0)
    assert told == [1, 1, 0]


def test_only_who_has_the_same_card_open_is_told_of_another(signed, seed):
    card, other = seed.card(), seed.card()
    heads = ServiceHeads(signed)
    try:
        attending.tell(signed, "web-1", [(card.approval_id, "ann")], was_told=False)
        before = heads.read(())
        attending.tell(
            signed,
            "web-2",
            [(card.approval_id, "ben"), (other.approval_id, "ben")],
            was_told=False,
        )
        heads._asked_at = float("-inf")  # a second later
        both = heads.read(())
        assert {k: v for k, v in both.items() if before.get(k) != v} == {
            f"card:{card.approval_id}": both[f"card:{card.approval_id}"]
        }
        attending.tell(signed, "web-2", (), was_told=True)
        heads._asked_at = float("-inf")
        assert heads.read(())[f"card:{card.approval_id}"] == 0
    finally:
        heads.close()
