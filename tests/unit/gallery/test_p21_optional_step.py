"""P21: an optional step fails, and the result is useful all the same and says what it lacks."""

from __future__ import annotations

import json

import pytest

from interlock.core.gallery import faults, newsroom


@pytest.fixture
def desk(converse):
    return converse(newsroom.builder)


async def test_p21_an_article_appears_with_its_picture(desk):
    await desk.send({"subject": "Night trams"})

    values = await desk.values()
    assert values["missing"] == []
    assert values["ending"] == "Published with picture P-2207, a tram in the rain."


async def test_p21_without_a_picture_it_appears_all_the_same_and_says_so(desk):
    events = await desk.send({"subject": "The city's budget"})

    values = await desk.values()
    assert await desk.is_finished()
    assert (values["status"], values["picture"]) == ("published", "")
    assert values["missing"] == ["a picture: There is no picture that fits."]
    assert values["ending"] == "Published.\nWithout a picture: There is no picture that fits."
    assert [data["published"] for kind, _, data in events if kind == "custom"]


async def test_p21_a_service_that_is_down_costs_the_picture_alone(desk, tmp_path, monkeypatch):
    fault_file = tmp_path / "faults.json"
    fault_file.write_text(json.dumps({"pictures": True}))
    monkeypatch.setenv(faults.VARIABLE, str(fault_file))

    await desk.send({"subject": "Night trams"})

    values = await desk.values()
    assert (values["status"], len(values["findings"])) == ("published", 3)
    assert values["missing"] == ["a picture: The service 'pictures' does not answer."]
