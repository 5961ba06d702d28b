"""P8: solvers compete, and a judge says who wins, with which score, and why."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import AIMessage
from pydantic import ValidationError

from interlock.core.gallery import design_contest, replies

ALL = ["express", "guided", "map"]


@pytest.fixture
def contest(converse):
    return converse(design_contest.builder)


@pytest.mark.parametrize(
    ("goal", "winner", "score"),
    [("quick", "express", 90), ("easy", "guided", 92), ("cheap", "map", 80)],
)
async def test_p8_the_judge_names_winner_score_and_reason(contest, goal, winner, score):
    await contest.send({"goal": goal})

    values = await contest.values()
    assert (values["winner"], values["scores"][winner]) == (winner, score)
    assert set(values["scores"]) == set(ALL)
    assert values["explanation"].startswith(f"{winner.capitalize()} is the best one, since ")
    assert values["design"] == values["sketches"][winner]
    assert values["result"].startswith(
        f"{winner} wins with {score} points. {values['explanation']}"
    )


class Waiting:
    """A model whose every sketch waits until all designers are at work."""

    def __init__(self, designers):
        self.at_work, self.all_at_work = 0, asyncio.Event()
        self.designers = designers

    async def ainvoke(self, prompt):
        self.at_work += 1
        if self.at_work == self.designers:
            self.all_at_work.set()
        await asyncio.wait_for(self.all_at_work.wait(), timeout=10)
        return AIMessage(replies.reply_to(prompt))


async def test_p8_the_solvers_work_at_the_same_time(contest, monkeypatch):
    model = Waiting(designers=3)
    monkeypatch.setattr(design_contest, "chat_model", lambda: model)

    await contest.send({})

    assert set((await contest.values())["sketches"]) == set(ALL)


async def test_p8_no_solver_sees_what_the_others_do(contest, monkeypatch):
    seen = []

    def keep(parts):
        seen.append(set(parts))
        return "A button."

    monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, "sketch": keep})
    await contest.send({})

    assert seen == [{"designer", "goal", "screen_cm"}] * 3


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        (
            "Express: 70\n- **guided** - score 80/100\nmap => 12",
            {"express": 70, "guided": 80, "map": 12},
        ),
        ("express: 1000, guided has no idea", {"express": 100, "guided": 0, "map": 0}),
        ("They are all lovely.", {"express": 0, "guided": 0, "map": 0}),
    ],
)
def test_p8_scores_are_read_leniently_and_bounded(said, scores):
    assert design_contest.read_scores(said, ALL) == scores


async def test_p8_of_equals_the_first_one_wins(contest, monkeypatch):
    monkeypatch.setattr(replies, "REPLIES", {**replies.REPLIES, "judge": lambda _: "All the same."})

    await contest.send({"designers": ["map", "guided"]})

    values = await contest.values()
    assert (values["winner"], values["explanation"]) == ("map", "All the same.")
    assert values["scores"] == {"map": 0, "guided": 0}


async def test_p8_a_finished_thread_takes_the_next_contest(contest):
    await contest.send({})
    await contest.send({"designers": ["map", "map"], "screen_cm": 14})

    values = await contest.values()
    assert set(values["sketches"]) == {"map"}
    assert values["designers"] == ["map"]
    assert len(values["workspace"]) == 6


async def test_p8_a_contest_without_designers_is_refused(contest):
    with pytest.raises(ValidationError, match="at least 1 item"):
        await contest.send({"designers": []})
