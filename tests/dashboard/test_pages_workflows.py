"""The page of workflows, drawn without a browser."""

from __future__ import annotations

from interlock.dashboard import keys

GRAPH = {
    "nodes": [{"id": "review", "label": "review", "kind": "node"}],
    "edges": [],
}
POLICY = {"node": {"review": {"breaker": {"name": "b*an*k"}}}}


def said(at):
    boxes = [*at.markdown, *at.caption, *at.error, *at.subheader, *at.code]
    return " | ".join(box.value for box in boxes).replace("\\", "")


def test_a_workflow_is_shown_with_its_policy(seed, open_page):
    seed.workflow("essay")
    seed.workflow(graph=GRAPH, policy=POLICY, tools={"": {"send": {"properties": {"to": {}}}}})
    at = open_page("workflows", workflow="refund_desk")
    assert not at.exception
    assert "Breaker b*an*k opens at 5 failures" in said(at)
    assert [expander.label for expander in at.expander] == ["Input schema"]
    listed, tools = (table.value for table in at.dataframe)
    assert list(listed["Workflow"]) == ["essay", "refund_desk"]
    saves = {button.key for button in at.get("download_button")}
    assert saves == {keys.metrics_save("workflows", ending) for ending in ("csv", "json")}
    assert list(tools["Arguments"]) == ["to"]


def test_one_that_did_not_load_says_why(seed, open_page):
    seed.workflow("broken", error="broken.py: ![x](http://evil/a)")
    at = open_page("workflows")
    assert not at.exception
    assert "cannot be launched" in said(at)
    assert at.code[0].value == "broken.py: ![x](http://evil/a)"


def test_a_policy_of_a_newer_version_and_an_empty_page(seed, app, open_page):
    empty = open_page("workflows")
    assert not empty.exception
    assert "No workflow is published yet" in said(empty)
    seed.workflow(policy={"teleport": True})
    at = open_page("workflows")
    assert not at.exception
    assert "A newer version published it" in said(at)
