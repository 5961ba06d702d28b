"""Rows of a checkpoint index, made up or drawn, for the tests of the tree and of what is planned on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from interlock.core.model.threads import CheckpointEntry
from interlock.core.types import CheckpointId, RunId, ThreadId

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
THREAD = ThreadId("t")


def point(name: str) -> CheckpointId:
    return CheckpointId(name)


def row(
    name: str,
    parent: str | None = None,
    *,
    step: int = 0,
    source: str = "loop",
    due: Iterable[str] = ("work",),
    run: str = "r1",
    at_s: float = 0,
    branch: int = 0,
) -> CheckpointEntry:
    return CheckpointEntry(
        thread_id=THREAD,
        checkpoint_id=point(name),
        parent_id=None if parent is None else point(parent),
        step=step,
        source=source,
        next=tuple(due),
        run_id=RunId(run),
        created_at=T0 + timedelta(seconds=at_s),
        size_bytes=10,
        branch=branch,
    )


def line(text: str, **changes: Mapping[str, object]) -> list[CheckpointEntry]:
    """
    Rows from names in a line: "a b c; b d" is a thread of which `d` is a second child of `b`.

    Names rise with time as ids do; `changes` are fields of `row` by name.
    """
    rows: dict[str, CheckpointEntry] = {}
    for part in text.split(";"):
        parent: str | None = None
        for name in part.split():
            if name not in rows:
                step = rows[parent].step + 1 if parent in rows else -1
                given = {"step": step, "at_s": ord(name[0]), **changes.get(name, {})}
                rows[name] = row(name, parent, **given)
            parent = name
    return list(rows.values())


@st.composite
def trees(draw: st.DrawFn, *, max_size: int = 25) -> list[CheckpointEntry]:
    """Any thread as LangGraph may have written it: each but the first is the child of an older one."""
    size = draw(st.integers(0, max_size))
    names = [f"{n:03}" for n in range(size)]
    # Mostly on from the newest, as threads do.
    backs = draw(st.lists(st.just(1) | st.integers(1, 25), min_size=size, max_size=size))
    sources = draw(
        st.lists(st.sampled_from(["loop", "loop", "fork", "update"]), min_size=size, max_size=size)
    )
    return [
        row(
            name,
            None if n == 0 else names[max(0, n - backs[n])],
            step=n,
            source=sources[n] if n else "input",
            at_s=n,
        )
        for n, name in enumerate(names)
    ]


@st.composite
def odd_rows(draw: st.DrawFn) -> list[CheckpointEntry]:
    """Rows that no thread should have: unknown parents, circles, several beginnings, doubles."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), max_size=12))
    parents = draw(
        st.lists(
            st.none() | st.sampled_from("abcdefghxyz"), min_size=len(names), max_size=len(names)
        )
    )
    return [row(name, parent) for name, parent in zip(names, parents, strict=True)]
