from __future__ import annotations

from dataclasses import asdict

import pytest

from interlock.core.model.history import Inner, PointFilter


def test_what_a_worker_handed_over_of_a_subgraph_is_read_back():
    inner = Inner(
        path="team/writer",
        namespace="team:1",
        checkpoint_id="c1",
        step=2,
        next=("ask", "ask"),
        values={"text": "so far"},
    )
    assert Inner.from_json(asdict(inner) | {"next": ["ask", "ask"]}) == inner


@pytest.mark.parametrize(
    ("wanted", "is_free"),
    [
        (PointFilter(), True),
        (PointFilter(step_from=0), False),
        (PointFilter(branch=0), False),
        (PointFilter(sources=("fork",)), False),
        (PointFilter(only_decisions=True), False),
    ],
)
def test_a_filter_is_free_if_it_leaves_everything_in(wanted, is_free):
    assert wanted.is_free is is_free
