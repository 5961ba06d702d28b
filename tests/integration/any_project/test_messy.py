"""A project in which much is wrong: each thing is told in one sentence, the rest works."""

from __future__ import annotations

import re

import pytest

PROJECT = "messy"
pytestmark = pytest.mark.xdist_group("any project: messy")

REASONS = {
    "raises": r"raises\.py:graph: importing it raised ZeroDivisionError: .*raises\.py, line 3\)\.",
    "exits": r"importing it raised SystemExit: set MODEL_KEY first .*exits\.py, line 1\)\.",
    "does not parse": r"importing it raised SyntaxError: .*does_not_parse\.py, line 1\)\.",
    "misses a package": r"'a_package_nobody_has' .*`pip install 'a-package-nobody-has\[extra\]>=2'`",
    "misses the requests": r"'requests_nobody_has' .*`pip install requests-nobody-has`",
    "misses a name": r"importing it raised ImportError: cannot import name 'grpah' from 'works'",
    "no such file": r"there is no file .*nowhere\.py\.",
    "no such module": r"'nowhere' that it imports is not installed here",
    "no such variable": r"works\.py has no variable 'grpah'\.",
    "not a graph": r"'NUMBER' is an int, not a graph\.",
    "wrong arguments": r"wrong_arguments has a parameter 'tenant' that nothing can be given for",
    "gives no graph": r"'gives_no_graph' returned is a dict, not a graph\.",
    "factory raises": r"'raises_at_once' raised LookupError: no tenant .*works\.py, line \d+\)\.",
    "factory exits": r"'exits_at_once' raised SystemExit: set MODEL_KEY first",
    "circular": r"ImportError: cannot import name 'graph' from partially initialized",
    "does not compile": r"importing it raised ValueError: Graph must have an entrypoint",
    "aborts": r"importing it raised Abort: not today .*aborts\.py, line 5\)\.",
    "factory aborts": r"'aborts_at_once' raised CancelledError",
}


@pytest.mark.parametrize("name", REASONS)
def test_a_graph_that_does_not_load_is_listed_with_its_reason_and_refused(desk, name):
    error = desk.workflows()[name]["error"]
    assert re.search(REASONS[name], error), error
    assert "\n" not in error
    code, refused = desk.ask("launch", name)
    assert code == 1
    assert error in refused["error"]


@pytest.mark.parametrize(("name", "found"), [("works", ["hello"]), ("works too", ["parts"])])
def test_the_others_work(desk, name, found):
    assert desk.finish(name, {"text": "hello"}) == {"text": "hello", "found": found}


def test_a_factory_that_fails_for_a_run_fails_the_run_with_its_reason(desk):
    launched = desk.launch("raises later", {"text": "hello"})
    assert launched["status"] == "failed"
    assert "raised LookupError: no such tenant" in launched["error"]["message"]


@pytest.mark.parametrize(
    "sentence",
    [
        r"The dependency \.\./not-there of langgraph\.json is not a folder in .*a project\.",
        (
            r"a-package-nobody-has\[extra\]>=2 of langgraph\.json is not installed here; "
            r"run `pip install 'a-package-nobody-has\[extra\]>=2'`\."
        ),
        (
            r"requests-nobody-has of langgraph\.json is not installed here; "
            r"run `pip install requests-nobody-has`\."
        ),
        (
            r"The env file .*\.env\.production that langgraph\.json names is not there, .*"
            r"create it with `cp '.*\.env\.production\.example' '.*\.env\.production'` and fill it in"
        ),
        (
            r"The store's index cannot be used, so searches find no item by meaning: .*"
            r"Install the embedder's package, or correct store\.index in langgraph\.json"
        ),
        r"keep_pkg_tools",
    ],
)
def test_what_else_is_wrong_is_told_in_one_sentence(desk, sentence):
    lines = [line for line in desk.told().splitlines() if re.search(sentence, line)]
    assert len(lines) == 1, desk.told()


def test_a_context_manager_that_fails_at_its_end_does_not_fail_the_run(desk):
    assert desk.finish("cannot be left", {"text": "hello"})["text"] == "hello"
    assert "factory_not_left" in desk.told()
    assert "the other side has hung up" in desk.told()
