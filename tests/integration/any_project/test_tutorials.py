"""LangGraph's own tutorials as people copy them: loaded, launched, answered, finished."""

from __future__ import annotations

import json

import pytest

PROJECT = "tutorials"
pytestmark = pytest.mark.xdist_group("any project: tutorials")


def say(text: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}]}


def told(run) -> list[str]:
    return [m["content"] for m in run["values"]["messages"]]


def nodes(run) -> list[str]:
    return [n["node"] for n in run["nodes"]]


def test_all_load_and_none_is_warned_about(desk):
    assert {n: w["error"] for n, w in desk.workflows().items() if w["error"]} == {}
    warned = [line for line in desk.told().splitlines() if "[warning" in line]
    assert [line for line in warned if "node_failed" not in line] == []  # of another test's run


# --- those that ask -------------------------------------------------------------------------------


def test_customer_support_holds_before_its_sensitive_tools(desk):
    card = desk.hold("customer support", say("Please cancel my flight"))
    assert card["title"] == "Paused before sensitive_tools"
    ended = desk.decide(card, "--approve")
    assert told(ended)[-1] == "Done: Ticket successfully cancelled."
    assert nodes(ended) == ["sensitive_tools", "assistant"]


def test_a_tool_call_is_corrected_in_the_state_before_it_runs(desk):
    card = desk.hold("customer support", say("Please cancel my flight"))
    messages = desk.ask("state", card["thread_id"])[1]["values"]["messages"]
    [call] = messages[-1]["tool_calls"]
    call |= {
        "name": "update_ticket_to_new_flight",
        "args": {"ticket_no": "7", "new_flight_id": 2},
    }
    ended = desk.decide(card, "--edit", json.dumps({"messages": messages}))
    assert "Ticket 7 successfully updated to 2." in told(ended)
    assert "Ticket successfully cancelled." not in told(ended)


def test_a_conversation_goes_on_in_its_thread(desk):
    thread = "talk"
    for number in (1, 2, 3):
        values = desk.finish("chatbot", say(f"thing {number}"), "--thread", thread)
    assert values["messages"][-1]["content"] == "I know 3 things."
    assert len(values["messages"]) == 6


@pytest.mark.parametrize(
    ("answer", "last", "asked_again"),
    [
        ({"action": "continue"}, "It says: Sunny in sf!", False),
        ({"action": "update", "data": {"city": "Basel"}}, "It says: Sunny in Basel!", False),
        (
            {"action": "feedback", "data": "User requested changes: use <city, country> format"},
            "It says: Sunny in San Francisco, USA!",
            True,
        ),
    ],
    ids=["continue", "update", "feedback"],
)
def test_reviewed_tool_calls_go_where_the_review_says(desk, answer, last, asked_again):
    card = desk.hold("review tool calls", say("what's the weather in sf?"))
    assert (card["title"], card["node"]) == ("Is this correct?", "human_review_node")
    ended = desk.decide(card, "--answer", json.dumps(answer))
    if asked_again:
        [second] = desk.cards(card["thread_id"])
        assert second["approval_id"] != card["approval_id"]
        ended = desk.decide(second, "--answer", '{"action": "continue"}')
    assert (ended["status"], told(ended)[-1]) == ("done", last)


def test_a_review_that_the_graph_does_not_know_fails_and_can_be_retried(desk):
    card = desk.hold("review tool calls", say("what's the weather in sf?"))
    failed = desk.decide(card, "--approve")
    assert failed["status"] == "failed"
    assert failed["error"]["node"] == "human_review_node"


def test_a_supervisor_routes_by_commands_and_its_coder_asks_deep_inside(desk):
    card = desk.hold("supervisor", say("What is the GDP?"))
    assert (card["title"], card["node"]) == ("Run this code?", "coder/tools")
    ended = desk.decide(card, "--approve")
    assert told(ended)[1:] == [
        "Found: GDP by state",
        "Coded: Successfully executed:\n```python\nprint(42)\n```",
    ]
    assert nodes(ended) == ["coder", "coder/tools", "coder/agent", "supervisor"]


@pytest.mark.parametrize(
    ("options", "flight"),
    [
        (("--approve",), "Booked BOS-JFK."),
        (("--reject", "--reason", "too far"), "Not booked: too far"),
    ],
    ids=["approve", "reject"],
)
def test_agents_hand_over_to_each_other(desk, options, flight):
    card = desk.hold("supervisor with handoffs", say("Book a trip"))
    assert (card["title"], card["kind"]) == ("Book BOS-JFK?", "confirm")
    ended = desk.decide(card, *options)
    texts = told(ended)
    assert flight in texts
    assert "Successfully transferred to hotel_assistant" in texts
    assert texts[-1] == "All is booked."


def test_user_input_is_waited_for(desk):
    card = desk.hold("wait for user input", {"input": "hello"})
    assert card["title"] == "Please provide feedback:"
    ended = desk.decide(card, "--answer", '"go to step 3!"')
    assert ended["values"] == {"input": "hello", "user_feedback": "go to step 3!"}
    prints = [e["text"] for e in desk.events(card["run_id"], "log")]
    assert prints == ["---Step 1---", "---human_feedback---"]


def test_an_answer_that_a_loop_does_not_take_is_asked_for_again(desk):
    card = desk.hold("validate human input", {})
    for answer, expected in (('"ten"', "ten is not valid"), ("-3", "-3 is not valid")):
        waiting = desk.decide(card, "--answer", answer)
        [card] = desk.cards(waiting["thread_id"])
        assert card["title"].startswith(expected)
    assert desk.decide(card, "--answer", "10")["values"] == {"age": 10}


def test_a_conversation_with_a_human_node_ends_when_he_is_done(desk):
    card = desk.hold("multi-turn", {"linkedin_topic": "AI"})
    waiting = desk.decide(card, "--answer", '"shorter"')
    [card] = desk.cards(waiting["thread_id"])
    assert "after shorter" in card["payload"]["generated_post"][-1]["content"]
    ended = desk.decide(card, "--answer", '"done"')
    assert ended["status"] == "done"
    assert [m["content"] for m in ended["values"]["human_feedback"]] == ["shorter", "Finalised"]


def test_the_state_is_edited_at_a_breakpoint_field_by_field(desk):
    card = desk.hold("edit state", {"input": "hello"})
    ended = desk.decide(card, "--edit", '{"input": "hello universe!"}')
    assert ended["values"]["steps"] == ["1 hello", "2 hello universe!", "3 hello universe!"]


def test_a_breakpoint_of_a_subgraph_is_gone_on_from(desk):
    card = desk.hold("subgraph state", say("what's the weather in sf"))
    ended = desk.decide(card, "--approve")
    assert (ended["status"], told(ended)[-1]) == ("done", "It's sunny in San Francisco!")


def test_an_essay_is_written_once_and_approved(desk):
    card = desk.hold("essay", "cats")
    ended = desk.decide(card, "--approve")
    assert ended["values"] == {"essay": "An essay about topic: cats", "is_approved": True}
    assert nodes(ended) == ["workflow"]


# --- those that run through -----------------------------------------------------------------------


def test_a_plan_is_made_carried_out_and_made_anew(desk):
    values = desk.finish("plan-and-execute", {"input": "the hometown of the winner?"})
    assert values["response"] == "Salt Lake City"
    assert [step for step, _ in values["past_steps"]] == ["find the winner", "find the hometown"]


def test_jokes_are_made_side_by_side_and_the_best_is_chosen(desk):
    run = desk.run(desk.launch("jokes", {"topic": "animals"})["run_id"])
    assert run["values"]["best_selected_joke"] == "Why did the elephants cross the road?"
    assert nodes(run).count("generate_joke") == 3


def test_documents_are_graded_and_the_question_is_put_better(desk):
    values = desk.finish("corrective rag", {"question": "agents?"})
    assert (values["question"], values["generation"]) == ("better: agents?", "Agents have memory.")
    assert [d["page_content"] for d in values["documents"]] == ["agent memory", "from the web"]


def test_drafts_are_criticised_until_it_is_enough(desk):
    values = desk.finish("reflection", say("Write about interlocks"))
    assert [m["content"] for m in values["messages"]][-1] == "Draft 4"


def test_old_messages_are_removed_for_a_summary(desk):
    for number in (1, 2, 3):
        values = desk.finish("memory summary", say(f"thing {number}"), "--thread", "summed up")
    assert values["summary"] == "Reply to Create a summary"
    assert [m["content"] for m in values["messages"]] == ["thing 3", "Reply to thing 3"]
