"""What a preview tells, in plain sentences; names of nodes are the project's, all else is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from interlock.core.model.rewinding import INPUT_NODE, Preview, RewindVerb
from interlock.core.model.texts import join_words

MAX_NAMES = 8  # in one sentence; the rest is counted


def say_certain(preview: Preview) -> str:
    """What happens first, whatever the nodes do."""
    verb, certain = preview.intention.verb, preview.certain
    if verb is RewindVerb.COPY:
        return (
            "A new thread is made that stands at this point. Nothing runs in it until you say so."
        )
    if verb is RewindVerb.STOP:
        return "The thread ends here. Nothing runs."
    if preview.is_computed:
        node = preview.as_node or "the node that has to be named"
        return f"LangGraph works out what is due then: what follows {node}."
    if certain is None:
        return "What is due at this point is not in the index: LangGraph knows it, and runs that."
    if not certain:
        return "Nothing is due at this point, so nothing runs."
    nodes = [node for node in certain if node != INPUT_NODE]
    first = ["The input is taken in again."] if len(nodes) < len(certain) else []
    served = [node for node in nodes if node in preview.may_be_served]
    sure = [node for node in nodes if node not in preview.may_be_served]
    due = [f"For certain, {_count_names(sure)} will run."] if sure else []
    due += [f"{_count_names(served)} will run or be served from a cache."] if served else []
    return " ".join([*first, *due])


def say_warnings(preview: Preview) -> tuple[str, ...]:
    """What an operator has to know before applying it, the gravest first."""
    if preview.point is None:
        return ()
    return tuple(_warn(preview))


def say_consequences(preview: Preview) -> tuple[str, ...]:
    """What becomes of decisions, cards and the branch that is left."""
    if preview.point is None:
        return ()
    return tuple(_tell(preview))


def _warn(preview: Preview) -> Iterator[str]:
    if preview.open_run_id is not None and preview.intention.verb is not RewindVerb.COPY:
        yield f"Run {preview.open_run_id} is going on: it must end before anything is set back."
    if preview.repeats:
        names, has = _names(preview.repeats), _has(preview.repeats)
        yield f"{names} {has} side effects, which may happen again."
    if preview.may_repeat:
        names, has = _names(preview.may_repeat, "or"), _has(preview.may_repeat)
        yield f"Nobody has said whether {names} {has} side effects."
    yield from _warn_of_step(preview)
    if preview.is_cut:
        yield "Older points of this thread are not known: decisions from before them may be missing."
    if preview.difference is not None and preview.difference.is_partial:
        yield "The state is too large to compare all of it."


def _warn_of_step(preview: Preview) -> Iterator[str]:
    """What becomes of the tasks that are due at the point."""
    verb, due = preview.intention.verb, preview.point.next if preview.point else ()
    if preview.intention.is_inner:
        inner = "The chosen point is inside of a graph within this one"
        yield f"{inner}: that whole graph starts from its beginning."
    elif preview.restarts:
        is_one = len(preview.restarts) == 1
        word = "is a graph of its own and starts" if is_one else "are graphs of their own and start"
        yield f"{_names(preview.restarts)} {word} from the beginning."
    if preview.remembering:
        keep = "keeps a memory of its own and begins with what it"
        if len(preview.remembering) > 1:
            keep = "keep a memory of their own and begin with what they"
        yield f"{_names(preview.remembering)} {keep} knew at this point."
    if preview.may_be_served:
        names, has = _names(preview.may_be_served), _has(preview.may_be_served)
        yield f"{names} {has} a cache: what is served from it does not run."
    if preview.certain and len(preview.certain) > 1:
        yield f"All {len(preview.certain)} tasks due here run again, those that had ended, too."
    if verb is RewindVerb.EDIT:
        chose = "A node that chose by itself what follows it is not asked again"
        yield f"{chose}: look at what is due after the edit."
    if verb is RewindVerb.SKIP and len(due) > 1:
        yield f"All {len(due)} tasks due here are left out, not the skipped node alone."
    if verb is RewindVerb.STOP and due:
        yield "What tasks of this step had done already is not in the state of the end."
    if verb in (RewindVerb.RERUN, RewindVerb.REDECIDE) and not preview.last_time:
        yield "There is no record of what ran after this point the last time."


def _tell(preview: Preview) -> Iterator[str]:
    verb = preview.intention.verb
    if preview.last_time:
        past = [f"{n.path} ({n.times} times)" if n.times > 1 else n.path for n in preview.last_time]
        yield f"The last time, {_names(past)} ran after this point."
    yield from _tell_asked(preview)
    if preview.kept:
        yield f"{_number(len(preview.kept), 'decision')} from before this point {_be(preview.kept)} kept."
    if preview.undone:
        yield (
            f"{_number(len(preview.undone), 'decision')} of the way that is left "
            f"no longer {'count' if len(preview.undone) > 1 else 'counts'}."
        )
    if preview.superseded:
        cards = f"{_number(len(preview.superseded), 'card')} that {_wait(preview.superseded)}"
        yield f"{cards} {'become' if len(preview.superseded) > 1 else 'becomes'} superseded."
    if preview.left_head_id is not None:
        yield f"Branch {preview.left_branch} is left as it is, and you can go back to it."
    if verb is RewindVerb.GO_BACK:
        yield "LangGraph cannot set a thread back by itself: an equal copy of that end is made."


def _tell_asked(preview: Preview) -> Iterator[str]:
    """Which questions come again, and which of them wait for nobody."""
    at_once = [f'"{d.title}"' for d in preview.asked_again if d.approval_id in preview.answered]
    later = [f'"{d.title}"' for d in preview.asked_again if d.approval_id not in preview.answered]
    if len(at_once) == 1:
        yield f"This decision is asked again and gets the new answer: {at_once[0]}."
    elif at_once:
        yield (
            f"These decisions are asked again at once: {_names(at_once)}. The one that is changed gets "
            "its new answer, the others get theirs again where node and question are the same."
        )
    if later:
        word = "These decisions are" if len(later) > 1 else "This decision is"
        yield f"{word} asked again if it goes as the last time: {_names(later)}."


def _count_names(nodes: Sequence[str]) -> str:
    counts = Counter(nodes)
    return _names(
        [f"{node} ({count} times)" if count > 1 else node for node, count in counts.items()]
    )


def _names(names: Sequence[str], last: str = "and") -> str:
    if len(names) <= MAX_NAMES:
        return join_words(list(names), last=last)
    return f"{', '.join(names[:MAX_NAMES])} {last} {len(names) - MAX_NAMES} more"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _has(names: Sequence[str]) -> str:
    return "have" if len(names) > 1 else "has"


def _be(items: Sequence[object]) -> str:
    return "are" if len(items) > 1 else "is"


def _wait(items: Sequence[object]) -> str:
    return "wait" if len(items) > 1 else "waits"
