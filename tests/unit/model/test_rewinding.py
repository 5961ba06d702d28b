from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.errors import Conflict, InvalidInput, NotFound
from interlock.core.model.branching import grow
from interlock.core.model.diffing import diff
from interlock.core.model.rewind_checks import Refusal, find_problems
from interlock.core.model.rewind_json import as_json
from interlock.core.model.rewind_words import say_certain, say_consequences, say_warnings
from interlock.core.model.rewinding import (
    Intention,
    RewindVerb,
    Situation,
    cached_of,
    effects_of,
    is_end,
    node_of,
    preview,
    writers_of,
)
from interlock.core.types import RunId

from .checkpoint_rows import THREAD, line, odd_rows, point, trees
from .thread_records import attempt, card, decision

# start > ask > pay > end, then set back to `ask` (b), where it waits again at the head (f).
_ROWS = line(
    "a b c d e; b f",
    a={"source": "input", "due": ["__start__"]},
    b={"due": ["ask"]},
    c={"due": ["pay", "pay", "tell"]},
    d={"due": ["team"]},
    e={"due": []},
    f={"source": "fork", "due": ["ask"], "run": "r2"},
)
_LINEAR = [r for r in _ROWS if r.checkpoint_id != "f"]
_RUNS = [
    attempt("ask", 1, at_s=98),
    attempt("pay", 2, task="p1", at_s=99),
    attempt("pay", 2, task="p2", at_s=99),
    attempt("tell", 2, at_s=99),
    attempt("team", 3, task="t", at_s=100),
    attempt("team/write", 0, within="t", at_s=100.5),
]
_EFFECTS = {"pay": True, "ask": False}


def _situation(rows=_LINEAR, **changes) -> Situation:
    given = {
        "node_runs": _RUNS,
        "decisions": [decision("refund", "b")],
        "side_effects": _EFFECTS,
        "nodes": ["ask", "pay", "tell", "team", "team/write"],
        "subgraphs": ["team"],
    }
    return Situation(thread_id=THREAD, tree=grow(rows), **given | changes)


def _want(verb: RewindVerb, at: str, **more) -> Intention:
    return Intention(verb=verb, checkpoint_id=point(at), **more)


def _preview(verb: RewindVerb, at: str, situation: Situation | None = None, **more):
    return preview(situation or _situation(), _want(verb, at, **more))


def _refusals(verb: RewindVerb, at: str, situation: Situation | None = None, **more):
    found = find_problems(situation or _situation(), _want(verb, at, **more))
    return [problem.refusal for problem in found]


@settings(max_examples=40)
@given(
    trees() | odd_rows(),
    st.sampled_from(RewindVerb),
    st.sampled_from("abcdefgh") | st.integers(0, 25).map("{:03}".format),
    st.none() | st.sampled_from(["work", "other", "in/side"]),
)
def test_whatever_is_wanted_of_whatever_thread_is_told_in_words(rows, verb, at, as_node):
    situation = _situation(rows)
    intention = _want(verb, at, as_node=as_node)
    told = preview(situation, intention)
    problems = find_problems(situation, intention)
    assert (told.point is None) is (point(at) not in situation.tree.entries)
    assert all(p.message.endswith(".") and str(p.as_error()) for p in problems)
    assert problems or told.point is not None
    for sentence in (say_certain(told), *say_warnings(told), *say_consequences(told)):
        assert sentence.endswith(".")
    decided = {*told.asked_again, *told.kept, *told.undone}
    assert len(decided) == len(told.asked_again) + len(told.kept) + len(told.undone)


def test_running_again_starts_what_is_due_there_and_tells_what_followed_the_last_time():
    told = _preview(RewindVerb.RERUN, "c")
    assert told.certain == ("pay", "pay", "tell")
    assert [(n.path, n.times) for n in told.last_time] == [
        ("pay", 2),
        ("tell", 1),
        ("team", 1),
        ("team/write", 1),
    ]
    assert (told.repeats, told.may_repeat) == (("pay",), ("tell", "team/write"))
    assert told.will_rerun == (
        {"node": "pay", "times": 2, "side_effects": True},
        {"node": "tell", "times": 1, "side_effects": None},
        {"node": "team", "times": 1, "side_effects": None},
        {"node": "team/write", "times": 1, "side_effects": None},
    )
    assert [d.approval_id for d in told.kept] == ["refund"]
    assert told.asked_again == told.undone == ()
    assert (told.left_branch, told.left_head_id) == (0, "e")
    assert say_certain(told) == "For certain, pay (2 times) and tell will run."
    assert say_warnings(told) == (
        "pay has side effects, which may happen again.",
        "Nobody has said whether tell or team/write have side effects.",
        "All 3 tasks due here run again, those that had ended, too.",
    )
    assert say_consequences(told) == (
        "The last time, pay (2 times), tell, team and team/write ran after this point.",
        "1 decision from before this point is kept.",
        "Branch 0 is left as it is, and you can go back to it.",
    )


def test_the_form_for_scripts_has_the_facts_and_the_sentences():
    situation = _situation(pending=[card("x", "e")])
    intention = _want(RewindVerb.RERUN, "c")
    told = preview(situation, intention, difference=diff({"a": 1}, {"a": 2}))
    problems = find_problems(replace(situation, open_run_id=RunId("r9")), intention)
    found = json.loads(json.dumps(as_json(told, problems)))
    assert found["will_rerun"][0] == {"node": "pay", "times": 2, "side_effects": True}
    assert found["certain"] == ["pay", "pay", "tell"]
    assert found["decisions"]["kept"][0]["decided_at"] == "2026-11-22T12:00:00+00:00"
    assert (found["superseded"], found["left"]) == (["x"], {"branch": 0, "checkpoint_id": "e"})
    assert found["difference"]["entries"][0]["path"] == ["a"]
    assert found["says"][0] == say_certain(told)
    assert found["warnings"] == list(say_warnings(told))
    assert [p["refusal"] for p in found["problems"]] == ["run_in_flight"]
    edit = as_json(_preview(RewindVerb.EDIT, "f", _situation(_ROWS)))
    assert (edit["certain"], edit["left"], edit["difference"]) == (None, None, None)


def test_what_was_decided_at_the_point_and_after_it_is_asked_again():
    decisions = [decision("pay twice", "c", at_s=2), decision("refund", "b", at_s=1)]
    told = _preview(RewindVerb.REDECIDE, "b", _situation(decisions=decisions))
    assert [d.approval_id for d in told.asked_again] == ["refund", "pay twice"]
    says = say_consequences(told)
    assert 'This decision is asked again and gets the new answer: "May I refund?".' in says
    assert 'This decision is asked again if it goes as the last time: "May I pay twice?".' in says
    rerun = say_consequences(_preview(RewindVerb.RERUN, "b", _situation(decisions=decisions)))
    assert (
        "These decisions are asked again if it goes as the last time: "
        '"May I refund?" and "May I pay twice?".' in rerun
    )


def test_what_was_decided_beside_a_changed_decision_is_told_to_keep_its_answer():
    decisions = [decision("refund", "b", at_s=1), decision("mail", "b", at_s=2)]
    says = say_consequences(_preview(RewindVerb.REDECIDE, "b", _situation(decisions=decisions)))
    assert (
        'These decisions are asked again at once: "May I refund?" and "May I mail?". The one that '
        "is changed gets its new answer, the others get theirs again where node and question are "
        "the same." in says
    )
    assert not [line for line in says if "goes as the last time" in line]


def test_a_question_whose_decision_was_changed_is_listed_once():
    rows = line(
        "a b c; b d e",
        a={"source": "input", "due": ["__start__"]},
        b={"due": ["ask", "ask"]},
        c={"due": []},
        d={"source": "fork", "due": ["ask", "ask"], "run": "r2"},
        e={"due": ["pay"], "run": "r2"},
    )
    first = decision("refund", "b", at_s=1)
    decisions = [
        first,
        replace(first, approval_id="again", checkpoint_id=point("d")),
        decision("other", "b", at_s=2),
        decision("late", "d", at_s=3),
    ]
    situation = _situation(rows, decisions=decisions)
    told = _preview(RewindVerb.REDECIDE, "b", situation)
    assert [d.approval_id for d in told.asked_again] == ["again", "other", "late"]
    assert told.answered == {"again", "other"}
    kept = _preview(RewindVerb.RERUN, "e", situation).kept
    assert [d.approval_id for d in kept] == ["again", "other", "late"]
    left = _preview(RewindVerb.RERUN, "c", situation).kept
    assert [d.approval_id for d in left] == ["refund", "other"]


def test_what_is_due_and_has_a_cache_or_a_memory_of_its_own_is_told():
    situation = _situation(cached=["pay", "ask"], remembering=["team"])
    told = _preview(RewindVerb.RERUN, "c", situation)
    assert say_certain(told) == (
        "For certain, tell will run. pay (2 times) will run or be served from a cache."
    )
    assert "pay has a cache: what is served from it does not run." in say_warnings(told)
    team = _preview(RewindVerb.RERUN, "d", situation)
    knew = "team keeps a memory of its own and begins with what it knew at this point."
    assert (team.remembering, knew in say_warnings(team)) == (("team",), True)
    both = say_warnings(replace(team, remembering=("team", "desk")))
    assert any("keep a memory of their own and begin with what they knew" in each for each in both)
    assert _preview(RewindVerb.COPY, "d", situation).remembering == ()


def test_the_policies_say_which_nodes_have_a_cache():
    policy = {"node": {"a": {"cache": {"ttl_s": 1}}, "b": {}}, "default": {"cache": {}}}
    nodes = ("a", "b", "c", "team", "team/in")
    assert cached_of(policy, nodes) == {"a", "c", "team/in"}
    assert cached_of({"node": {"a": {"cache": {}}}}, nodes) == {"a"}
    assert cached_of(None, nodes) == frozenset()


def test_a_graph_that_is_due_starts_from_its_beginning():
    told = _preview(RewindVerb.RERUN, "d")
    assert told.restarts == ("team",)
    assert "team is a graph of its own and starts from the beginning." in say_warnings(told)
    both = _situation(line("a", a={"due": ["team", "crew"]}), subgraphs=["team", "crew"])
    told = _preview(RewindVerb.RERUN, "a", both)
    assert "team and crew are graphs of their own and start from the beginning." in say_warnings(
        told
    )


def test_a_point_inside_of_a_graph_restarts_that_graph():
    told = _preview(RewindVerb.RERUN, "d", is_inner=True)
    assert (
        "The chosen point is inside of a graph within this one: "
        "that whole graph starts from its beginning." in say_warnings(told)
    )


def test_before_the_start_the_input_is_taken_in_again():
    told = _preview(RewindVerb.RERUN, "a")
    assert say_certain(told) == "The input is taken in again."
    assert "__start__" not in [each["node"] for each in told.will_rerun]
    mixed = _situation(line("a", a={"due": ["__start__", "ask"]}))
    assert say_certain(_preview(RewindVerb.RERUN, "a", mixed)) == (
        "The input is taken in again. For certain, ask will run."
    )


def test_where_the_index_does_not_know_what_is_due_it_is_said():
    rows = line("a b", a={"due": []})
    told = _preview(RewindVerb.RERUN, "a", _situation(rows))
    assert told.certain is None and not told.is_computed
    assert say_certain(told).startswith("What is due at this point is not in the index")
    assert not is_end(grow(rows), rows[0])
    assert _refusals(RewindVerb.RERUN, "a", _situation(rows)) == []


def test_nothing_runs_from_an_end():
    told = _preview(RewindVerb.RERUN, "e")
    assert told.certain == ()
    assert say_certain(told) == "Nothing is due at this point, so nothing runs."
    assert "There is no record of what ran after this point the last time." in say_warnings(told)
    assert _refusals(RewindVerb.RERUN, "e") == [Refusal.NOT_HERE]
    assert _refusals(RewindVerb.STOP, "e") == [Refusal.NOT_HERE]
    assert _refusals(RewindVerb.SKIP, "e") == [Refusal.NOT_HERE]
    assert _refusals(RewindVerb.EDIT, "e", as_node="pay") == []
    assert _refusals(RewindVerb.COPY, "e") == []


def test_after_an_edit_langgraph_works_out_what_is_due():
    told = _preview(RewindVerb.EDIT, "c", as_node="ask")
    assert told.certain is None and told.is_computed
    assert say_certain(told) == "LangGraph works out what is due then: what follows ask."
    assert say_certain(_preview(RewindVerb.EDIT, "c")) == (
        "LangGraph works out what is due then: what follows ask."
    )
    assert say_certain(_preview(RewindVerb.EDIT, "d")) == (
        "LangGraph works out what is due then: what follows the node that has to be named."
    )
    assert any("look at what is due after the edit" in each for each in say_warnings(told))


def test_skipping_leaves_out_all_that_is_due_and_tells_what_followed():
    told = _preview(RewindVerb.SKIP, "c", as_node="pay")
    assert [n.path for n in told.last_time] == ["team", "team/write"]
    assert told.is_computed
    assert "All 3 tasks due here are left out, not the skipped node alone." in say_warnings(told)
    assert _preview(RewindVerb.SKIP, "e").last_time == ()


def test_a_decision_at_a_skipped_point_holds_no_longer_and_is_not_asked_again():
    told = _preview(RewindVerb.SKIP, "b", as_node="ask")
    assert [d.approval_id for d in told.undone] == ["refund"]
    assert "1 decision of the way that is left no longer counts." in say_consequences(told)


def test_stopping_runs_nothing():
    told = _preview(RewindVerb.STOP, "c")
    assert (told.certain, told.last_time, told.will_rerun) == ((), (), ())
    assert say_certain(told) == "The thread ends here. Nothing runs."
    assert say_warnings(told) == (
        "What tasks of this step had done already is not in the state of the end.",
    )


def test_a_copy_leaves_the_thread_alone():
    situation = _situation(pending=[card("x", "e")], open_run_id=RunId("r9"))
    told = _preview(RewindVerb.COPY, "b", situation)
    assert (told.certain, told.superseded, told.left_head_id, told.undone) == ((), (), None, ())
    assert say_warnings(told) == ()
    assert say_certain(told).startswith("A new thread is made")
    assert _refusals(RewindVerb.COPY, "b", situation, expected_head_id=point("x")) == []
    # What is written beside the head comes and goes while a run does.
    assert _refusals(RewindVerb.COPY, "e", situation) == [Refusal.RUN_IN_FLIGHT]


def test_cards_that_wait_are_superseded():
    situation = _situation(_ROWS, pending=[card("one", "f"), card("two", "f")])
    told = _preview(RewindVerb.RERUN, "c", situation)
    assert [c.title for c in told.superseded] == ["one", "two"]
    assert "2 cards that wait become superseded." in say_consequences(told)
    single = _preview(RewindVerb.STOP, "f", replace(situation, pending=[card("one", "f")]))
    assert "1 card that waits becomes superseded." in say_consequences(single)


def test_going_on_beneath_the_head_leaves_no_branch():
    plain = _situation([*_LINEAR, replace(_ROWS[-1], source="loop")])
    for verb in (RewindVerb.RERUN, RewindVerb.EDIT, RewindVerb.SKIP):
        assert _preview(verb, "f", plain).left_head_id is None


def test_a_head_that_was_written_by_hand_is_copied_before_it_runs_again():
    situation = _situation(_ROWS)
    for verb in (RewindVerb.EDIT, RewindVerb.SKIP):
        assert _preview(verb, "f", situation).left_head_id is None
    for verb in (RewindVerb.RERUN, RewindVerb.REDECIDE):
        assert _preview(verb, "f", situation).left_head_id == "f"
    assert _preview(RewindVerb.STOP, "f", situation).left_head_id == "f"
    assert _preview(RewindVerb.RERUN, "b", situation).left_branch == 1


def test_going_back_copies_the_end_of_the_other_branch():
    situation = _situation(_ROWS)
    told = _preview(RewindVerb.GO_BACK, "e", situation)
    assert (told.certain, told.left_head_id) == ((), "f")
    assert [d.approval_id for d in told.kept] == ["refund"]
    assert say_consequences(told)[-1] == (
        "LangGraph cannot set a thread back by itself: an equal copy of that end is made."
    )
    assert _refusals(RewindVerb.GO_BACK, "e", situation) == []
    assert _refusals(RewindVerb.GO_BACK, "c", situation) == [Refusal.NOT_HERE]
    assert _refusals(RewindVerb.GO_BACK, "b", situation) == [Refusal.NOT_HERE]


def test_decisions_of_the_way_that_is_left_no_longer_count():
    decisions = [decision("one", "f", at_s=1), decision("two", "f", at_s=2)]
    told = _preview(RewindVerb.RERUN, "c", _situation(_ROWS, decisions=decisions))
    assert [d.approval_id for d in told.undone] == ["one", "two"]
    assert "2 decisions of the way that is left no longer count." in say_consequences(told)


def test_what_is_older_than_what_is_known_is_told_and_its_decisions_are_kept():
    decisions = [decision("old", "0"), decision("refund", "c")]
    situation = _situation(_LINEAR[1:], decisions=decisions)
    told = _preview(RewindVerb.RERUN, "d", situation)
    assert [d.approval_id for d in told.kept] == ["old", "refund"]
    assert any(each.startswith("Older points") for each in say_warnings(told))
    assert "2 decisions from before this point are kept." in say_consequences(told)


def test_a_state_that_was_cut_is_said():
    difference = diff({"a": {"__cut__": "x"}}, {"a": 1})
    told = preview(_situation(), _want(RewindVerb.RERUN, "c"), difference=difference)
    assert "The state is too large to compare all of it." in say_warnings(told)


def test_many_names_are_counted():
    due = [f"n{i}" for i in range(12)]
    told = _preview(RewindVerb.RERUN, "a", _situation(line("a", a={"due": due})))
    assert say_certain(told) == ("For certain, n0, n1, n2, n3, n4, n5, n6, n7 and 4 more will run.")


def test_a_run_in_flight_and_a_head_that_moved_are_lost_races():
    situation = _situation(open_run_id=RunId("r9"))
    intention = _want(RewindVerb.RERUN, "c", expected_head_id=point("d"))
    problems = find_problems(situation, intention)
    assert [p.refusal for p in problems] == [Refusal.RUN_IN_FLIGHT, Refusal.HEAD_MOVED]
    assert all(isinstance(p.as_error(), Conflict) for p in problems)
    assert "Run r9 is going on" in say_warnings(preview(situation, intention))[0]
    assert _refusals(RewindVerb.RERUN, "c", expected_head_id=point("e")) == []


def test_what_is_not_there_is_not_found():
    (thread,) = find_problems(_situation([]), _want(RewindVerb.RERUN, "c"))
    (gone,) = find_problems(_situation(), _want(RewindVerb.RERUN, "z"))
    assert (thread.refusal, gone.refusal) == (Refusal.THREAD_UNKNOWN, Refusal.POINT_UNKNOWN)
    assert isinstance(thread.as_error(), NotFound) and isinstance(gone.as_error(), NotFound)
    assert "'t'" in str(thread.as_error()) and "pruned" in str(gone.as_error())


def test_a_thread_of_an_unknown_graph_and_a_state_that_cannot_be_read_are_refused():
    situation = _situation(is_graph_known=False, is_readable=False)
    assert _refusals(RewindVerb.RERUN, "c", situation) == [
        Refusal.POINT_UNREADABLE,
        Refusal.GRAPH_UNKNOWN,
    ]
    assert _refusals(RewindVerb.COPY, "c", situation) == [Refusal.POINT_UNREADABLE]
    (problem, _) = find_problems(situation, _want(RewindVerb.RERUN, "c"))
    assert isinstance(problem.as_error(), InvalidInput)


@pytest.mark.parametrize(
    ("verb", "at", "as_node", "expected"),
    [
        (RewindVerb.EDIT, "c", "nobody", [Refusal.NODE_UNKNOWN]),
        (RewindVerb.EDIT, "c", "team/write", [Refusal.NODE_UNKNOWN]),
        (RewindVerb.EDIT, "c", "ask", []),
        (RewindVerb.EDIT, "c", None, []),
        (RewindVerb.EDIT, "d", None, [Refusal.NODE_NEEDED]),
        (RewindVerb.EDIT, "a", "ask", [Refusal.NOT_HERE]),
        (RewindVerb.SKIP, "c", None, [Refusal.NODE_NEEDED]),
        (RewindVerb.SKIP, "c", "ask", [Refusal.NOT_HERE]),
        (RewindVerb.SKIP, "c", "pay", []),
        (RewindVerb.SKIP, "b", None, []),
        (RewindVerb.REDECIDE, "b", None, []),
        (RewindVerb.REDECIDE, "c", None, [Refusal.NOT_HERE]),
        (RewindVerb.STOP, "c", None, []),
    ],
)
def test_what_cannot_be_done_at_a_point_is_refused(verb, at, as_node, expected):
    assert _refusals(verb, at, as_node=as_node) == expected


def test_the_last_writers_are_those_of_the_point_before_copies_included():
    rows = line(
        "a b c d e; c f g; c h; b i; a j",
        a={"due": ["__start__"]},
        b={"due": ["one"]},
        c={"due": ["two", "three"]},
        f={"source": "fork"},  # a run's copy of c
        g={"source": "fork"},  # and a copy of that copy
        h={"source": "fork", "step": 5},  # a person's copy of d, beside it
        i={"source": "update"},
        j={"source": "fork", "step": 0},
    )
    tree = grow(rows)
    found = {p: writers_of(tree, entry) for p, entry in tree.entries.items()}
    assert found["a"] == found["b"] == found["i"] == found["j"] == ()
    assert found["c"] == found["f"] == found["g"] == ("one",)
    assert found["d"] == found["h"] == ("two", "three")


def test_an_edit_counts_as_the_only_node_that_ran_last_or_that_there_is():
    rows = line("a b c", a={"due": ["one"]}, b={"due": ["two"]}, c={"source": "update"})
    situation = _situation(rows)

    def find(verb, at, **more):
        return node_of(replace(situation, **more), _want(verb, at))

    assert find(RewindVerb.EDIT, "b") == "one"
    assert find(RewindVerb.EDIT, "c") is None
    assert find(RewindVerb.EDIT, "c", nodes=["only", "only/inner"]) == "only"
    assert find(RewindVerb.SKIP, "b") == "two"
    assert find(RewindVerb.RERUN, "b") is find(RewindVerb.EDIT, "z") is None
    (problem,) = find_problems(situation, _want(RewindVerb.EDIT, "c"))
    assert (
        problem.message == "It is not known which node ran last before this point: name the node."
    )


def test_a_node_has_the_side_effects_of_its_tools():
    policy = {
        "node": {
            "a": {"side_effects": False},
            "b": {"side_effects": False, "tool": {"x": {}, "y": {"side_effects": True}}},
            "c": {},
        }
    }
    assert effects_of(policy) == {"a": False, "b": True, "c": None}
    assert effects_of(None) == effects_of({}) == {}


def test_a_node_that_is_not_named_has_the_side_effects_of_the_default():
    default = {"side_effects": True}
    nodes = ("a", "b", "team", "team/write")
    policy = {"default": default, "node": {"a": {"side_effects": False}, "b": {}, "gone": {}}}

    found = effects_of(policy, nodes, graphs=["team"])

    assert found == {"a": False, "b": None, "gone": None, "team/write": True}
    assert effects_of({"default": default}, nodes) == dict.fromkeys(nodes[:2] + nodes[3:], True)
    by_tool = {"default": {"tool": {"pay": {"side_effects": True}}}}
    assert effects_of(by_tool, ["a"]) == {"a": True}
