"""A worker ends in good order, when files of the project change and while it imports the project."""

from __future__ import annotations

import pytest

from interlock.core.services import observing

pytestmark = pytest.mark.xdist_group("any project: changing")


def test_changes_are_followed_and_mistakes_are_told_without_losing_anything(open_desk):
    desk = open_desk("changing")
    desk.start("--reload")
    config, graph = desk.config.read_text(), desk.folder / "graph.py"
    card = desk.hold("changes", {})
    assert card["title"] == "Go on, first?"

    # What a run writes is no change; a langgraph.json that cannot be read is told and waited for.
    assert desk.finish("stays", {}) == {"text": "written"}
    desk.config.write_text("{" + config)
    desk.wait_for(lambda: "project_not_reloaded" in desk.told())
    assert "is not JSON" in desk.told()
    assert desk.finish("stays", {}) == {"text": "written"}

    # A graph that breaks takes its worker through 75, and is listed with its reason.
    code = graph.read_text()
    graph.write_text(code.replace("first version", "second version") + "\n(")
    desk.config.write_text(config)
    assert desk.wait() == 75
    desk.start("--reload")
    assert "SyntaxError" in desk.workflows()["changes"]["error"]
    assert desk.ask("launch", "changes")[0] == 1
    assert desk.finish("stays", {}) == {"text": "written"}
    assert desk.cards(card["thread_id"]) == [card]

    # Mended, it goes on where it held, as it is now.
    graph.write_text(code.replace("first version", "second version"))
    (desk.folder / "parts.py").write_text('finish = "second {}".format\n')
    (desk.folder / "my.env").write_text("WORD=second\n")
    assert desk.wait() == 75
    desk.start("--reload")
    assert desk.workflows()["changes"]["description"] == "The second version."
    assert desk.decide(card, "--answer", '"yes"')["values"] == {"text": "second yes"}
    assert desk.hold("changes", {})["title"] == "Go on, second?"
    assert (desk.folder / "report.md").read_text().count("a line") == 3


def test_a_worker_can_be_stopped_while_it_imports_a_project(open_desk):
    desk = open_desk("slow_import")
    desk.begin()
    desk.wait_for((desk.folder / "importing").exists)
    assert [w.status for w in observing.list_workers(desk.app)] == ["starting"]
    desk.stop()
    assert observing.list_workers(desk.app) == []
