"""The audit as its page shows it: what is looked for, the list, one entry, whether the chain holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from interlock.core.model.audit_chain import Head, Verification
from interlock.core.model.audit_lists import (
    MAX_TEXT,
    ORIGIN_WORDS,
    ORIGINS,
    AuditCount,
    AuditEntry,
    AuditFilter,
    AuditPage,
    read_end,
    read_moment,
)
from interlock.core.model.diffing import diff
from interlock.core.types import Json
from interlock.dashboard.views import state_diff
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import (
    NOTHING,
    format_ago,
    format_count,
    format_exact,
    format_plural,
    one_line,
    short_id,
)
from interlock.dashboard.views.notices import Empty, Link, Notice
from interlock.dashboard.views.state_diff import DiffView

NAMES: Final = ("actor", "action", "object", "origin", "q", "since", "until")
PAGE_COUNT = 30
MAX_CHARS = 500  # of a filter from the URL, which anybody may have typed
MAX_SAVED = 10_000  # entries of one file; all of them are written by the command
CHECK_S = 10.0  # for a look at the chain from the page
WHEN = "An age such as 2d, a day, or a day and time in UTC"
ANY: Final[Mapping[str, str]] = {
    "actor": "Anybody",
    "action": "Anything",
    "origin": "From anywhere",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for, and what of it cannot be read, by the name of its field."""

    filter: AuditFilter
    problems: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One entry in a line."""

    seq: str
    at: str
    actor: str
    action: str
    object: str
    origin: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AuditList:
    """A page of the list. `older` asks for the next one, empty at the end; `note` says what is left out."""

    rows: tuple[AuditRow, ...]
    ids: tuple[str, ...]
    summary: str
    older: str
    note: str
    empty: Empty | None


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """
    One entry. `diff` is of what was before and after, where there is both; else `values` are what
    there is, named, and beside a diff what belongs to neither side. All of it is drawn inert.
    """

    headline: str
    facts: tuple[tuple[str, str], ...]
    link: Link | None
    diff: DiffView | None
    values: tuple[tuple[str, Json], ...]
    seal: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ChainView:
    """Whether the chain holds, in a line, and each thing that is wrong."""

    notice: Notice
    problems: tuple[str, ...]


def read_wanted(chosen: Mapping[str, str | None], *, now: datetime) -> Wanted:
    """What the URL asks for; a moment that cannot be read is told, and asks for nothing."""
    given = {name: (chosen.get(name) or "")[:MAX_CHARS].strip() for name in NAMES}
    since, until = read_moment(given["since"], now), read_end(given["until"], now)
    read = {"since": since, "until": until}
    return Wanted(
        filter=AuditFilter(
            actor=given["actor"],
            action=given["action"],
            object=given["object"],
            origin=given["origin"] if given["origin"] in ORIGINS else "",
            text=given["q"][:MAX_TEXT],
            since=since,
            until=until,
        ),
        problems={
            name: f"{WHEN}." for name, moment in read.items() if given[name] and moment is None
        },
    )


def options(name: str, known: Sequence[str], chosen: str) -> tuple[str, ...]:
    """What a filter offers: all, what there is, and what is chosen."""
    return tuple(dict.fromkeys([ANY[name], *known, *([chosen] if chosen else [])]))


def name_origin(origin: str) -> str:
    """From where, as people say it."""
    return ORIGIN_WORDS.get(origin, origin)


def build(
    page: AuditPage, count: AuditCount, *, wanted: AuditFilter, is_first: bool, now: datetime
) -> AuditList:
    """Put a page of the list together; `is_first` is the one with the latest entries."""
    rows = tuple(_row(entry, now=now) for entry in page.entries)
    more = "" if count.is_all else " or more"
    fit = " that fit" if wanted.is_any else ""
    noun = "entry" if count.count == 1 and count.is_all else "entries"
    is_searching = page.before is not None and len(rows) < PAGE_COUNT
    return AuditList(
        rows=rows,
        ids=tuple(row.seq for row in rows),
        summary=f"{format_count(count.count)}{more} {noun}{fit}",
        older="" if page.before is None else str(page.before),
        note="Only so many entries are looked through at once; older ones were not yet."
        if is_searching
        else "",
        empty=None if rows or is_searching else _say_empty(wanted, is_first=is_first),
    )


def _say_place(entry: AuditEntry) -> str:
    origin = name_origin(entry.origin)
    return f"{origin}, {show_hidden(entry.address)}" if entry.address else origin


def build_entry(entry: AuditEntry, *, now: datetime) -> EntryView:
    """Put one entry together."""
    before, after, rest = _pair(entry)
    both = before is not None and after is not None and _are_alike(before, after)
    named = (("before", before), ("after", after), ("with it", rest))
    return EntryView(
        headline=f"{show_hidden(entry.actor)}: {show_hidden(entry.action)}",
        facts=(
            ("When", f"{format_exact(entry.at)}, {format_ago(entry.at, now)}"),
            ("Who", show_hidden(entry.actor)),
            ("From where", _say_place(entry)),
            ("What", show_hidden(entry.action)),
            ("To what", show_hidden(entry.object)),
            ("Why", show_hidden(entry.reason) or NOTHING),
        ),
        link=link_of(entry),
        diff=state_diff.build(diff(before, after)) if both else None,
        values=tuple(
            (name, value)
            for name, value in named
            if value is not None and not (both and name != "with it")
        ),
        seal=(
            ("entry", str(entry.seq)),
            ("hash", entry.hash),
            ("hash before it", entry.previous_hash),
        ),
    )


def link_of(entry: AuditEntry) -> Link | None:
    """The page of what it was done to."""
    kind, _, object_id = entry.object.partition(":")
    if not object_id:
        return None
    match kind:
        case "run":
            return Link("Open the run", "run", {"run_id": object_id})
        case "approval":
            return Link("Open the card", "inbox", {"approval_id": object_id})
        case "thread":
            return Link("Open in the time machine", "history", {"thread": object_id})
        case "breaker":
            return Link("Breakers", "breakers")
        case "alert":
            return Link("Alerts", "alerts")
        case "cache":
            return Link("Caches", "caches")
    return None


def say_chain(found: Verification | None, last: Head | None, *, now: datetime) -> ChainView:
    """
    Say whether the chain holds.

    Args:
        found: What was found when it was last looked at from here, if it was.
        last: The newest head that was noted after a look at the whole chain, by whomever.
        now: Aware UTC time.
    """
    if found is None:
        if last is None:
            return ChainView(
                notice=Notice("info", "Nobody has looked at the chain yet."), problems=()
            )
        text = f"The chain held when it was looked at {format_ago(last.at, now)}, up to entry {last.seq}."
        return ChainView(notice=Notice("info", text), problems=())
    seen = f"looked at {format_ago(found.at, now)}"
    count = format_plural(found.count, "entry", "entries")
    if not found.holds:
        text = f"The audit is not as it was written, {seen}."
        problems = tuple(problem.said for problem in found.problems)
        return ChainView(notice=Notice("error", text), problems=problems)
    if not found.is_whole:
        text = (
            f"The first {count} hold, {seen}. There was no time for the rest: "
            "`interlock audit verify` looks at all."
        )
        return ChainView(notice=Notice("warning", text), problems=())
    text = f"The chain holds, {seen}: {count}, none changed, removed or put in."
    return ChainView(notice=Notice("info", f"{text} {_say_heads(found)}"), problems=())


def _say_heads(found: Verification) -> str:
    if not found.place:
        return "There is no data folder here, so whether its end was cut off cannot be told."
    if not found.heads_count:
        return "No head had been noted before, so whether its end was cut off cannot be told yet."
    noted = format_plural(found.heads_count, "noted head")
    return f"It agrees with {noted}, the last of {format_exact(found.noted_at)}."


def _row(entry: AuditEntry, *, now: datetime) -> AuditRow:
    kind, mark, object_id = entry.object.partition(":")
    return AuditRow(
        seq=str(entry.seq),
        at=format_ago(entry.at, now),
        actor=show_hidden(entry.actor),
        action=show_hidden(entry.action),
        object=show_hidden(f"{kind} {short_id(object_id)}" if mark and object_id else entry.object),
        origin=name_origin(entry.origin),
        reason=show_hidden(one_line(entry.reason)),
    )


def _pair(entry: AuditEntry) -> tuple[Json, Json, Json]:
    """What to hold against each other, and what else was written down: of an edit only what was edited."""
    after = entry.after
    if entry.before is not None and isinstance(after, dict) and "edited" in after:
        rest = {name: value for name, value in after.items() if name != "edited"}
        return entry.before, after["edited"], rest or None
    return entry.before, after, None


def _are_alike(before: Json, after: Json) -> bool:
    """Whether they say something of each other; two records without a common field do not."""
    if isinstance(before, dict) and isinstance(after, dict):
        return not before or not after or bool(before.keys() & after.keys())
    return True


def _say_empty(wanted: AuditFilter, *, is_first: bool) -> Empty:
    if not is_first:
        return Empty("There are no older entries.")
    if wanted.is_any:
        return Empty("No entry fits these filters. Choose others, or none.")
    link = Link("Launch a workflow", "launch")
    return Empty("Nothing has been done yet. Whatever somebody changes is entered here.", link)
