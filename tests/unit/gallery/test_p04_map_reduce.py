"""P4: fan out by `Send` in batches of ten, at most five at once; one failed item sinks no other."""

from __future__ import annotations

import threading

import pytest

from interlock.core.gallery import market, market_data

WAIT_S = 30  # until a branch that waits for the others gives up: only if they do not overlap


@pytest.fixture
def desk(converse):
    return converse(market_data.builder)


async def test_p4_five_batches_of_ten_overlap_in_time_and_a_sixth_waits(desk, monkeypatch):
    together, lock, sizes, under_way = threading.Barrier(5), threading.Lock(), [], []
    at_work = 0

    def quote(asked):
        nonlocal at_work
        with lock:
            at_work += 1
            sizes.append(len(asked))
            under_way.append(at_work)
        together.wait(WAIT_S)
        with lock:
            at_work -= 1
        together.wait(WAIT_S)
        price = market.Quote(price_eur=10.0, change_percent=0.0, is_fresh=True)
        return market.Answer(dict.fromkeys(asked, price), {})

    monkeypatch.setattr(market, "quote", quote)

    await desk.send({"shares": 100, "also": [], "budget_eur": 0})

    assert sizes == [10] * 10
    assert max(under_way) == 5
    assert (await desk.values())["report"].startswith("100 of 100 prices")


async def test_p4_the_last_batch_is_what_is_left(desk, monkeypatch):
    sizes, real = [], market.quote
    monkeypatch.setattr(market, "quote", lambda asked: sizes.append(len(asked)) or real(asked))

    await desk.send({"shares": 6, "also": ["OLD.V"], "budget_eur": 0})
    assert sizes[0] == 7

    sizes.clear()
    await desk.send({"shares": 24, "also": [], "budget_eur": 0})
    assert sorted(sizes[:3]) == [4, 10, 10]


async def test_p4_one_failed_item_does_not_sink_the_rest(desk):
    await desk.send({"shares": 15, "also": ["OLD.V", "GON.F"], "budget_eur": 0})

    values = await desk.values()
    assert set(values["symbols"]) - set(values["quotes"]) == {"OLD.V", "GON.F"}
    assert values["report"].startswith("15 of 17 prices are of today.")
