"""The local model's words at the product launch: the orchestrator's, the leads', the workers'."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer


def _orchestrate(parts: Parts) -> str:
    product = parts.get("product", "the product")
    return (
        f"marketing: make {product.lower()} known where people would use it\n"
        f"operations: see to it that {product.lower()} can be had, and mended, from the first day"
    )


TASKS = {
    "marketing": ("Write the leaflet", "Book a stand at the spring fair", "Invite the press"),
    "operations": ("Fill the warehouse", "Train the repair shops"),
}


def _delegate(parts: Parts) -> str:
    return "\n".join(TASKS.get(parts.get("team", ""), ("Do what the brief says",)))


RESULTS = {
    "leaflet": ("The leaflet says in twenty words what it is for", 1_200),
    "fair": ("A stand of twelve square metres is booked", 9_500),
    "press": ("Eight journalists come to a test on a rainy day", 2_300),
    "warehouse": ("Four hundred pieces are on the shelf by then", 31_000),
    "repair": ("Twenty shops know how to mend it", 8_000),
}


def _perform(parts: Parts) -> str:
    task = parts.get("task", "")
    for word, (text, cost_eur) in RESULTS.items():
        if word in task.lower():
            return f"{text}. COST: {cost_eur}"
    return f"Done: {task}. COST: 1000"


def _consolidate(parts: Parts) -> str:
    done = re.findall(r"^- (.+?)\.?$", parts.get("work", ""), re.MULTILINE)
    return f"{'. '.join(done)}." if done else "Nothing was done."


def _integrate(parts: Parts) -> str:
    found = re.findall(r"^- (.+)$", parts.get("findings", ""), re.MULTILINE)
    told = re.findall(r"^- \w+: (.+)$", parts.get("reports", ""), re.MULTILINE)
    return " ".join(
        [
            f"{parts.get('product', 'It')} is ready to be launched.",
            *told,
            "To bear in mind:",
            *found,
        ]
    )


REPLIES: Mapping[str, Writer] = {
    "orchestrate": _orchestrate,
    "delegate": _delegate,
    "perform": _perform,
    "consolidate": _consolidate,
    "integrate": _integrate,
}
