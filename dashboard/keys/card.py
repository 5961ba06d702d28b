"""Keys of one card."""

from __future__ import annotations

from interlock.dashboard.keys.making import join, of_card


def card(approval_id: str) -> str:
    """The container of one card."""
    return join("card", approval_id)


def card_aftermath(approval_id: str) -> str:
    """The line that says what became of a card."""
    return join("aftermath", approval_id)


def card_part(name: str, approval_id: str) -> str:
    """A part beside a card that is folded at first: why, graph, steps."""
    return join(f"beside-{name}", approval_id)


def card_form(approval_id: str, version: int) -> str:
    """The form of one card, its fields and its buttons."""
    return of_card("form", approval_id, version)


def approve(approval_id: str, version: int) -> str:
    """The button that approves."""
    return of_card("approve", approval_id, version)


def reject(approval_id: str, version: int) -> str:
    """The button that rejects."""
    return of_card("reject", approval_id, version)


def edit(approval_id: str, version: int) -> str:
    """The button that approves with changes."""
    return of_card("edit", approval_id, version)


def respond(approval_id: str, version: int) -> str:
    """The button that sends a response in words."""
    return of_card("respond", approval_id, version)


def agree(at: int, approval_id: str, version: int) -> str:
    """The button that says the same as the vote of this place in the order of votes."""
    return of_card(f"agree-{at}", approval_id, version)


def answer(approval_id: str, version: int) -> str:
    """The button that sends an answer."""
    return of_card("answer", approval_id, version)


def skip(approval_id: str, version: int) -> str:
    """The button that skips the node of a breakpoint."""
    return of_card("skip", approval_id, version)


def stop(approval_id: str, version: int) -> str:
    """The button that stops at a breakpoint."""
    return of_card("stop", approval_id, version)


def verb(name: str, approval_id: str, version: int) -> str:
    """The button of a verb, by its name (`approve`, `reject`, ...)."""
    return of_card(name, approval_id, version)


def extend(by: str, approval_id: str, version: int) -> str:
    """The menu that puts a deadline off, and its buttons by how much."""
    return of_card(f"extend-{by.replace(' ', '-')}", approval_id, version)


def reason(approval_id: str, version: int) -> str:
    """The field for the reason of a decision."""
    return of_card("reason", approval_id, version)


def response(approval_id: str, version: int) -> str:
    """The field for a response in words."""
    return of_card("response", approval_id, version)


def answer_text(approval_id: str, version: int) -> str:
    """The field for an answer as JSON."""
    return of_card("answer-text", approval_id, version)


def choice(approval_id: str, version: int) -> str:
    """The choice among the answers that a card lists."""
    return of_card("choice", approval_id, version)


def choices(approval_id: str, version: int) -> str:
    """The choice of several among the answers that a card lists."""
    return of_card("choices", approval_id, version)


def json_switch(approval_id: str, version: int) -> str:
    """The switch between a card's form and plain JSON."""
    return of_card("json", approval_id, version)


def card_field(approval_id: str, version: int, path: str) -> str:
    """A field of a card's form; `path` is its dotted path."""
    return join("field", approval_id, f"v{version}", path)


def action_choice(approval_id: str, version: int, index: int) -> str:
    """The verb for one of several actions; their order is part of what is asked."""
    return join("action", approval_id, f"v{version}", str(index))


def action_message(approval_id: str, version: int, index: int) -> str:
    """The words that go with the decision on one of several actions."""
    return join("action-message", approval_id, f"v{version}", str(index))


def yes_no(approval_id: str, version: int) -> str:
    """The answer to a yes or no."""
    return of_card("yes-no", approval_id, version)


def state_fields(approval_id: str, version: int) -> str:
    """Which fields of the state are to be changed at a breakpoint."""
    return of_card("state-fields", approval_id, version)
