"""A project whose packages are called as ours are, and whose folders are as people leave them."""

from __future__ import annotations

import re

import pytest

PROJECT = "own_packages"
pytestmark = pytest.mark.xdist_group("any project: own packages")

TOLD = "the user's core; the users dashboard; 500; Not Interlock's."


@pytest.mark.parametrize("name", ["core", "dashboard", "flat"])
def test_packages_called_core_and_dashboard_are_the_projects_own(desk, name):
    card = desk.hold(name, {})
    assert card["node"] == ("inner/ask" if name == "flat" else "ask")
    values = desk.decide(card, "--answer", '"yes"')["values"]
    assert values["report"] == {"text": TOLD, "mood": "good"}
    assert values["text"] == "yes: Mood.GOOD"


@pytest.mark.parametrize(
    ("name", "text"),
    [("same name", "libs/other/app"), ("same name too", "libs/shared-lib/src/app")],
)
def test_files_of_one_name_in_folders_without_init_are_told_apart(desk, name, text):
    assert desk.finish(name, {}) == {"text": text}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "no package",
            (
                r"'helpers' that it imports lies in .*my-agent, which is not on the import path; "
                r'add "\./agents/my-agent" to dependencies in langgraph\.json\.$'
            ),
        ),
        ("taken name", r"'interlock\.rules' .* the name 'interlock' is Interlock's own"),
        ("missing part", r"'core\.nowhere' .* is not part of the 'core' that is found here"),
    ],
)
def test_a_module_that_is_not_found_is_never_told_to_be_installed_if_that_is_wrong(
    desk, name, reason
):
    error = desk.workflows()[name]["error"]
    assert re.search(reason, error), error
    assert "pip install" not in error
