"""Where a click on a node leads."""

from __future__ import annotations

from interlock.dashboard.views import node_links

GRAPH = {
    "nodes": [
        {"id": "__start__", "label": "__start__", "kind": "start"},
        {"id": "plan", "label": "plan", "kind": "node"},
        {"id": "team/write", "label": "write", "kind": "node"},
    ],
    "edges": [],
}


def test_a_node_leads_to_what_asks_for_a_look(make):
    workflow = make.workflow(graph=GRAPH)
    waiting = [make.card(node="write"), make.card("b", workflow="other", node="plan")]
    cards = node_links.group_cards(workflow, waiting)
    assert {path: len(found) for path, found in cards.items()} == {"team/write": 1}
    states = {"plan": "half_open", "team": "closed", "team/write": "open"}
    assert node_links.hrefs_of(workflow, cards=cards, breaker_states=states) == {
        "plan": "breakers",
        "team/write": "inbox?workflow=refund_desk&node=write",
        "team": "figures?workflow=refund_desk&node=team",
    }


def test_a_name_from_elsewhere_stays_a_part_of_the_address(make):
    evil = 'javascript:x"];//&a=b'
    workflow = make.workflow(graph={"nodes": [{"id": evil, "kind": "node"}], "edges": []})
    href = node_links.hrefs_of(workflow)[evil]
    assert href == ("figures?workflow=refund_desk&node=javascript%3Ax%22%5D%3B%2F%2F%26a%3Db")


def test_a_card_of_a_node_that_is_not_drawn_stands_by_itself(make):
    workflow = make.workflow(graph=GRAPH)
    assert list(node_links.group_cards(workflow, [make.card(node="gone")])) == ["gone"]


def test_an_error_handler_leads_to_its_figures_beneath_what_it_serves(make):
    drawn = {"id": "__error_handler__plan", "paths": ["plan/__error_handler__plan"]}
    workflow = make.workflow(graph={"nodes": [drawn], "edges": []})
    assert list(node_links.hrefs_of(workflow).values()) == [
        "figures?workflow=refund_desk&node=plan%2F__error_handler__plan"
    ]
