"""The local model's words at the help desk, and how it uses the billing tools that it is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from textwrap import shorten

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from interlock.core.gallery.speech import Agent, Call, Parts, Reply, Writer

KINDS = {
    "urgent": re.compile(r"urgent|immediately|right now|lawyer|third time", re.IGNORECASE),
    "billing": re.compile(r"\bINV-|invoice|late fee|due date|charged", re.IGNORECASE),
    "technical": re.compile(
        r"error|crash|fail|sync|broken|slow|does not (work|start|load)", re.IGNORECASE
    ),
    "question": re.compile(r"\?"),
}
HARD = re.compile(r"\ball\b|\d+ devices|since the upgrade|data loss|intermittent", re.IGNORECASE)
FACTS = re.compile(r"error \w+|how|why", re.IGNORECASE)
INVOICE = re.compile(r"INV-\d{4}", re.IGNORECASE)
CREDIT = re.compile(r"credit|fee back|waive", re.IGNORECASE)
DAYS = re.compile(r"(\d+) (?:more )?days")
SUMMARY = "The customer wrote of: "
MAX_TOPICS = 6  # that a summary names
MAX_QUOTED = 120  # characters of what somebody wrote


def _sort(parts: Parts) -> str:
    message = parts.get("message", "")
    return next((kind for kind, words in KINDS.items() if words.search(message)), "general")


def _inform(parts: Parts) -> str:
    articles: list[str] = re.findall(r"^- (.+)$", parts.get("articles", ""), re.MULTILINE)
    if not articles:
        return "I found nothing about this, so I pass your question on to a colleague."
    if parts.get("style") == "warm":
        return f"Thank you for asking! {' '.join(articles)} Do write again if anything is unclear."
    return articles[0]


def _gauge(parts: Parts) -> str:
    message = parts.get("message", "")
    if HARD.search(message):
        return "0.9"
    return "0.5 research" if FACTS.search(message) else "0.2"


def _diagnose(parts: Parts) -> str:
    documents = parts.get("documents", "").strip()
    seen = f" What you sent says: {documents.removeprefix('- ')}" if documents else ""
    return (
        "The likely cause is the upgrade, as everything failed together after it. Test: roll one "
        f"device back and sync it. Next step: we open a case and roll back the rest.{seen}"
    )


def _suggest(parts: Parts) -> str:
    thanks = "Thank you for telling us. " if parts.get("style") == "warm" else ""
    return f"{thanks}Restart the app and sign in again; that helps most often."


def _calm(_parts: Parts) -> str:
    return "We are sorry that this has happened to you. Somebody is looking at it at this moment."


def _converse(parts: Parts) -> str:
    said = ["Thank you, I have noted that."]
    known = [line.partition(": ")[2] for line in parts.get("known", "").splitlines()]
    if known:
        said = [f"Welcome back. I remember: {'; '.join(known)}."]
    said += [_tell_of(line) for line in parts.get("documents", "").splitlines() if line]
    before = parts.get("before", "").strip().removeprefix(SUMMARY)
    return " ".join([*said, f"Before that we spoke of: {before}"] if before else said)


def _tell_of(line: str) -> str:
    name, _, notes = line.removeprefix("- ").partition(": ")
    if notes == "still being read":
        return f"I am still reading {name}; ask me again in a moment."
    return f"I have read {name}: {notes}"


def _skim(parts: Parts) -> str:
    first, *_ = re.split(r"(?<=[.!?])\s", parts.get("document", "").strip())
    return f"It says: {first[:MAX_QUOTED]}"


def _condense(parts: Parts) -> str:
    asked = re.findall(r"^human: (.+)$", parts.get("talk", ""), re.MULTILINE)
    before = parts.get("before", "").strip().removeprefix(SUMMARY).rstrip(".")
    topics = [*before.split("; "), *(shorten(line, 40, placeholder=" …") for line in asked)]
    kept = list(dict.fromkeys(topic.rstrip(".?!") for topic in topics if topic))
    return f"{SUMMARY}{'; '.join(kept[-MAX_TOPICS:])}."


def _settle(messages: Sequence[BaseMessage]) -> Reply:
    """Look the invoice up, do what was wished for if there is a tool for it, and say what came of it."""
    tools = str(messages[0].text).partition("Your tools: ")[2]
    asked = next((str(m.text) for m in reversed(messages) if isinstance(m, HumanMessage)), "")
    called = {c["name"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls}
    results = [str(m.text) for m in messages if isinstance(m, ToolMessage)]
    found = INVOICE.search(asked)
    if found is None:
        return Reply("Please send me the number of the invoice; it begins with INV-.")
    number = {"number": found[0].upper()}
    if "find_invoice" not in called:
        return Reply("I look the invoice up.", [Call("find_invoice", number)])
    open_wishes = {tool: args for tool, args in _wishes(asked).items() if tool not in called}
    calls = [Call(tool, number | args) for tool, args in open_wishes.items() if tool in tools]
    if calls:
        return Reply("I see to it.", calls)
    sorry = ["The rest is not part of your plan."] if open_wishes else []
    return Reply(" ".join(results + sorry))


def _wishes(asked: str) -> dict[str, dict[str, int]]:
    """The tools that would do what is asked for, and what they are called with."""
    days = DAYS.search(asked)
    credit: dict[str, dict[str, int]] = {"credit_late_fee": {}} if CREDIT.search(asked) else {}
    return credit | ({"extend_due_date": {"days": int(days[1])}} if days else {})


REPLIES: Mapping[str, Writer] = {
    "sort": _sort,
    "inform": _inform,
    "gauge": _gauge,
    "diagnose": _diagnose,
    "suggest": _suggest,
    "calm": _calm,
    "converse": _converse,
    "skim": _skim,
    "condense": _condense,
}
AGENTS: Mapping[str, Agent] = {"settle": _settle}
