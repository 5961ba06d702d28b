"""
Reading the interrupts that hold actions: agent-inbox's and both modes of LangChain's middleware.

Each reader returns None for a value of another shape, and never raises.
Source: agent-inbox `HumanInterrupt`; LangChain `HITLRequest` and `ToolApprovalRequest`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from interlock.core.model import json_values, schema_refs
from interlock.core.model.approvals import Kind, Verb
from interlock.core.model.questions import Action, Question, in_order
from interlock.core.model.schema_checks import check, find_schema_problem
from interlock.core.model.texts import one_line, show
from interlock.core.types import Json

# What an action is about, if it has one of these; else its first argument that is a scalar.
_MAIN_ARGUMENTS = ("to", "recipient", "path", "file_path", "url", "query", "command", "subject")

_MAX_TEXT_JSON = 1_000_000  # characters of a text that is tried as JSON

_INBOX_FLAGS = {
    "allow_accept": Verb.APPROVE,
    "allow_ignore": Verb.REJECT,
    "allow_edit": Verb.EDIT,
    "allow_respond": Verb.RESPOND,
}
_CALL_VERBS = (Verb.APPROVE, Verb.REJECT, Verb.EDIT, Verb.RESPOND)
# Of an action that does not say: a word the graph does not take would stick to the thread.
_SAFE_VERBS = (Verb.APPROVE, Verb.REJECT)


def read_agent_inbox(value: Json, schema: Json, tools: Json = None) -> Question | None:
    """
    Read one `HumanInterrupt`, a list of them, or the JSON text of either.

    Args:
        value: The interrupt's value.
        schema: Its response schema if it can be checked against, else None.
        tools: Schemas of the arguments by name of the tool; one counts only if it knows all arguments
            that are asked about, as an action need not be the call of a tool.
    """
    parsed = _parse(value) if isinstance(value, str) else value
    requests = parsed if isinstance(parsed, list) else [parsed]
    read = (_inbox_action(request, tools) for request in requests)
    actions = [action for action in read if action is not None]
    if not actions or len(actions) != len(requests):
        return None
    return _question_about(Kind.AGENT_INBOX, actions, schema, is_list=isinstance(parsed, list))


def _inbox_action(request: Json, tools: Json) -> Action | None:
    wanted = _inner(request, "action_request")
    flags = _inner(request, "config")
    args = {} if wanted is None or wanted.get("args") is None else wanted["args"]
    if wanted is None or flags is None or not isinstance(args, dict):
        return None
    if not isinstance(wanted.get("action"), str):
        return None
    schema = _usable(_inner(tools, wanted["action"]))
    return Action(
        name=wanted["action"],
        args=args,
        description=json_values.text_at(request, "description"),
        allowed=in_order(verb for flag, verb in _INBOX_FLAGS.items() if flags.get(flag) is True),
        schema=schema if args.keys() <= _inner_or_empty(schema, "properties").keys() else None,
    )


def read_batch(value: Json, schema: Json, tools: Json = None) -> Question | None:
    """
    Read LangChain's HumanInTheLoopMiddleware with `interrupt_mode="batched"`.

    Args:
        value: The interrupt's value.
        schema: Its response schema if it can be checked against, else None.
        tools: Schemas of the arguments by name of the tool; the middleware itself sends none.
    """
    requests = value.get("action_requests") if isinstance(value, dict) else None
    if not isinstance(requests, list) or not requests:
        return None
    given = value.get("review_configs")
    configs = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    actions = [_batch_action(request, at, configs, tools) for at, request in enumerate(requests)]
    read = [action for action in actions if action is not None]
    if len(read) != len(requests):
        return None
    return _question_about(Kind.LANGCHAIN, read, schema)


def _batch_action(request: Json, at: int, configs: list[Json], tools: Json) -> Action | None:
    if not isinstance(request, dict) or not isinstance(request.get("name"), str):
        return None
    args = request.get("args", {})
    if not isinstance(args, dict):
        return None
    named = [each for each in configs if each.get("action_name") == request["name"]]
    beside = [each for each in configs[at : at + 1] if each in named]
    config = (beside or named or [{}])[0]
    return Action(
        name=request["name"],
        args=args,
        description=json_values.text_at(request, "description"),
        allowed=_verbs_named(config.get("allowed_decisions")) or _SAFE_VERBS,
        schema=_usable(config.get("args_schema")) or _usable(_inner(tools, request["name"])),
    )


def read_call(value: Json, published: Json, schema: Json) -> Question | None:
    """
    Read LangChain's HumanInTheLoopMiddleware with `interrupt_mode="per_call"`.

    Args:
        value: The interrupt's value.
        published: The interrupt's response schema as it came; the verbs are read from it.
        schema: The same if it can be checked against, else None.
    """
    if not isinstance(value, dict) or value.get("type") != "tool_approval":
        return None
    if not isinstance(value.get("name"), str) or not isinstance(value.get("args"), dict):
        return None
    forms = _forms_by_verb(published)
    allowed = in_order(forms) or _SAFE_VERBS
    is_plain = not {Verb.EDIT, Verb.RESPOND} & set(allowed)
    if is_plain and all(check({"type": verb.value}, schema) for verb in allowed):
        return None  # its schema takes no decision alone: a typed answer
    action = Action(
        name=value["name"],
        args=value["args"],
        description=json_values.text_at(value, "description"),
        allowed=allowed,
        schema=_args_schema(forms.get(Verb.EDIT, {}), published),
    )
    return _question_about(Kind.LANGCHAIN_CALL, [action], schema)


def _forms_by_verb(schema: Json) -> dict[Verb, Mapping[str, Json]]:
    resolved = schema_refs.resolve(schema, schema) or {}
    found: dict[Verb, Mapping[str, Json]] = {}
    for form in schema_refs.branches_of(resolved, schema):
        tag = schema_refs.resolve(_field_of(form, "type"), schema) or {}
        for verb in _verbs_named(list(schema_refs.allowed_values(tag))):
            found[verb] = form
    return found


def _args_schema(form: Mapping[str, Json], root: Json) -> Json:
    """The schema of an edit's arguments, able to stand alone: it takes the definitions along."""
    edited = schema_refs.resolve(_field_of(form, "edited_action"), root) or {}
    args = schema_refs.resolve(_field_of(edited, "args"), root)
    if args is None:
        return None
    return _usable(
        {**args, "$defs": {**_inner_or_empty(root, "$defs"), **_inner_or_empty(args, "$defs")}}
    )


def _question_about(
    kind: Kind, actions: Sequence[Action], schema: Json, *, is_list: bool = False
) -> Question:
    common = set.intersection(*(set(action.allowed) for action in actions))
    some = set.union(*(set(action.allowed) for action in actions))
    verbs = common or some
    is_stuck = not all(action.allowed for action in actions)
    if is_stuck or (schema is not None and kind is not Kind.LANGCHAIN_CALL):
        verbs = verbs | {Verb.ANSWER}  # never a card that nothing can be done with
    first, more = actions[0], len(actions) - 1
    title = _action_title(first)
    return Question(
        kind=kind,
        title=f"{title} and {more} more" if more and title else title,
        text="" if more else first.description,
        allowed=in_order(verbs),
        schema=schema,
        options=(),
        actions=tuple(actions),
        is_list=is_list,
    )


def _action_title(action: Action) -> str:
    named = [action.args[key] for key in _MAIN_ARGUMENTS if key in action.args]
    values = [*named, *action.args.values()]
    shown = [
        show(each) for each in values if json_values.is_scalar(each) and each not in (None, "")
    ]
    name = one_line(action.name)
    return one_line(f"{name}: {shown[0]}" if shown and name else name)


def _verbs_named(words: Json) -> tuple[Verb, ...]:
    named = words if isinstance(words, list) else []
    return in_order(verb for verb in _CALL_VERBS if verb.value in named)


def _usable(schema: Json) -> Json:
    return schema if isinstance(schema, dict) and find_schema_problem(schema) is None else None


def _inner(value: Json, key: str) -> Mapping[str, Json] | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else None


def _inner_or_empty(value: Json, key: str) -> Mapping[str, Json]:
    return _inner(value, key) or {}


def _field_of(form: Mapping[str, Json], name: str) -> Json:
    return _inner_or_empty(form, "properties").get(name)


def _parse(text: str) -> Json:
    if len(text) > _MAX_TEXT_JSON or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
