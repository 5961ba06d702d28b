"""Whether each way through a graph ends, which loops there are, and where they are left."""

from __future__ import annotations

from interlock.core.model.ways import END, START, Loop, Way, find_ends, read_ways


def way(*to: str, may: tuple[str, ...] = (), is_open: bool = False) -> Way:
    return Way(frozenset(to), frozenset(may), is_open)


def test_a_line_ends_in_as_many_steps_as_it_has_nodes():
    ends = find_ends({START: way("a"), "a": way("b"), "b": way(END)})

    assert (ends.endless, ends.trapped, ends.unreached, ends.open_, ends.loops) == ((),) * 5
    assert ends.fewest_steps == 2


def test_a_node_that_leads_nowhere_ends_the_way():
    assert find_ends({START: way("a"), "a": way()}).fewest_steps == 1
    assert find_ends({START: way("a")}).fewest_steps == 1


def test_nodes_that_always_lead_back_are_endless_even_beside_a_way_out():
    ends = find_ends({START: way("a"), "a": way("b", END), "b": way("a")})

    assert ends.endless == ("a", "b")
    assert ends.trapped == ()


def test_nodes_with_no_way_out_are_trapped_although_they_choose():
    ends = find_ends({START: way("a"), "a": way(may=("b",)), "b": way(may=("a",))})

    assert ends.trapped == ("a", "b")
    assert ends.endless == ()
    assert ends.fewest_steps is None
    assert ends.loops == (Loop(nodes=("a", "b"), left_at=()),)


def test_a_loop_is_left_where_something_leads_out_of_it():
    ends = find_ends(
        {
            START: way("write"),
            "write": way("check"),
            "check": way(may=("mend", END)),
            "mend": way("check"),
        }
    )

    assert ends.loops == (Loop(nodes=("check", "mend"), left_at=("check",)),)
    assert ends.trapped == ()


def test_a_node_that_chooses_itself_is_a_loop():
    ends = find_ends({START: way("a"), "a": way(may=("a", END))})

    assert ends.loops == (Loop(nodes=("a",), left_at=("a",)),)


def test_two_loops_beside_each_other_are_two():
    ends = find_ends(
        {
            START: way("a", "c"),
            "a": way(may=("b", END)),
            "b": way("a"),
            "c": way(may=("d", END)),
            "d": way("c"),
        }
    )

    assert [loop.nodes for loop in ends.loops] == [("a", "b"), ("c", "d")]


def test_a_choice_without_named_ends_may_lead_anywhere():
    ends = find_ends({START: way("a"), "a": way(is_open=True), "b": way(END)})

    assert ends.open_ == ("a",)
    assert ends.unreached == ()
    assert ends.trapped == ()
    assert ends.fewest_steps == 1


def test_what_nothing_declared_leads_to_is_named():
    assert find_ends({START: way("a"), "a": way(END), "b": way("a")}).unreached == ("b",)


def test_what_is_published_is_read_as_it_was_written():
    published = {"": {"a": {"to": ["b"], "may": [END], "open": False}}, "team": None}

    assert read_ways(published) == {"": {"a": way("b", may=(END,))}, "team": None}
    assert read_ways(None) == {}
