"""LangGraph's namespaces ("team:<task>|writer:<task>"): where in its graphs a task stands."""

from __future__ import annotations


def path_of(namespace: str) -> str:
    """Turn LangGraph's namespace ("team:<task>|writer:<task>") into a node path ("team/writer")."""
    names = [part.rpartition(":")[0] or part for part in namespace.split("|")]
    return "/".join(name for name in names if name and not name.isdigit())


def join(*parts: str) -> str:
    """Put namespaces together, leaving out what is empty: the root graph has none."""
    return "|".join(part for part in parts if part)
