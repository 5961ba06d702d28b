"""
Read interlock.toml, which lies beside a project's langgraph.json, and say what is wrong with it.

Reads the file only. What a graph really holds is known once it is loaded: `model.policy_checks`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from interlock.core.errors import FieldProblem
from interlock.core.model import breaker_names, policy_files
from interlock.core.model.notice_rules import NoticeRule, Webhook
from interlock.core.model.policies import (
    AlertRule,
    Defaults,
    ModelRules,
    Notify,
    Policies,
    Price,
    WorkflowPolicy,
)
from interlock.core.model.policy_checks import find_risks

FILE_NAME = "interlock.toml"
MODEL_CACHES = "model_caches"  # a field of what is published, and no key of the file
_SECTIONS = (
    "defaults",
    "workflow",
    "prices",
    "models",
    "alerts",
    "notify",
    "notices",
    "webhooks",
)

Part = TypeVar("Part", bound=BaseModel)
Rule = TypeVar("Rule", NoticeRule, Webhook)


def read_policies(folder: Path, workflows: Sequence[str]) -> Policies:
    """
    Read the policies of a project; a project without the file has none.

    A workflow's section that is wrong refuses this workflow, `[defaults]` and a file that cannot be
    read refuse all of them: without its breaker or its risk a workflow is not what somebody wanted.
    What is wrong elsewhere is left out and told.

    Args:
        folder: Where the project's langgraph.json lies.
        workflows: The names of its graphs.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return Policies()
    try:
        text = file.read_text(encoding="utf-8-sig")
        return _read(file, tomllib.loads(text), workflows)
    except tomllib.TOMLDecodeError as exc:
        reason = f"it is not TOML: {exc}."
    except (OSError, UnicodeDecodeError) as exc:
        reason = f"it cannot be read: {exc}."
    except RecursionError:
        reason = "it is nested too deeply."
    refused = _refuse_all(file, workflows, reason)
    return refused.model_copy(update={"is_unreadable": True})


def _refuse_all(file: Path, workflows: Sequence[str], reason: str) -> Policies:
    return Policies(path=str(file), problems=dict.fromkeys(workflows, f"{file}: {reason}"))


def _read(file: Path, data: Mapping[str, Any], workflows: Sequence[str]) -> Policies:
    warnings: list[str] = []

    def warn(problems: Sequence[FieldProblem]) -> None:
        warnings.extend(f"{file}: {problem}" for problem in problems)

    warn(_find_unknown_sections(data))
    given = data.get("defaults", {})
    defaults, wrong = policy_files.read(Defaults, given, "defaults")
    if defaults is None:
        return _refuse_all(file, workflows, policy_files.say(wrong))
    sections, wrong = policy_files.tables(data.get("workflow", {}), "workflow")
    if wrong:
        return _refuse_all(file, workflows, policy_files.say(wrong))
    read, problems = _read_workflows(file, sections, given, workflows)
    prices, wrong_prices = policy_files.read_each(Price, data.get("prices", {}), "prices")
    models, wrong_models = policy_files.read_each(ModelRules, data.get("models", {}), "models")
    alerts, wrong_alerts = policy_files.read_each(AlertRule, data.get("alerts", {}), "alerts")
    told, wrong_notify = policy_files.read(Notify, {"notify": data.get("notify", [])}, "")
    warn([*wrong_prices, *wrong_models, *wrong_alerts, *wrong_notify, *find_risks(read)])
    notices, wrong = _read_notices(data.get("notices", {}))
    warn(wrong)
    webhooks, wrong = policy_files.read_list(Webhook, data.get("webhooks", []), "webhooks")
    warn(wrong)
    return Policies(
        path=str(file),
        workflow=read,
        problems=problems,
        prices=prices,
        models=models,
        alerts=alerts,
        notify=told.notify if told is not None else (),
        notices=_without_doubles(notices, "notices.rule", warn),
        webhooks=_without_doubles(webhooks, "webhooks", warn),
        warnings=tuple(warnings),
    )


def _read_notices(given: Any) -> tuple[list[NoticeRule], list[FieldProblem]]:
    table, wrong = policy_files.tables(given, "notices")
    unknown = [
        FieldProblem(
            policy_files.dotted("notices", key), "is no key that is known here; there is rule"
        )
        for key in table
        if key != "rule"
    ]
    rules, wrong_rules = policy_files.read_list(NoticeRule, table.get("rule", []), "notices.rule")
    return rules, [*wrong, *unknown, *wrong_rules]


def _without_doubles(
    rules: Sequence[Rule], where: str, warn: Callable[[Sequence[FieldProblem]], None]
) -> tuple[Rule, ...]:
    """The first of each name: what was told for which is kept by it."""
    named: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in named:
            warn([FieldProblem(where, f"has two of the name {rule.name!r}; the first one counts")])
        named.setdefault(rule.name, rule)
    return tuple(named.values())


def _find_unknown_sections(data: Mapping[str, Any]) -> list[FieldProblem]:
    unknown = [key for key in data if key not in _SECTIONS]
    known = ", ".join(_SECTIONS)
    return [
        FieldProblem(policy_files.dotted(key), f"is no section of this file; it may have {known}")
        for key in unknown
    ]


def _read_workflows(
    file: Path,
    sections: Mapping[str, Any],
    defaults: Mapping[str, Any],
    workflows: Sequence[str],
) -> tuple[dict[str, WorkflowPolicy], dict[str, str]]:
    """Those that can be used, with what `[defaults]` gives them, and what is wrong with the others."""
    read: dict[str, WorkflowPolicy] = {}
    problems: dict[str, str] = {}
    known = ", ".join(workflows) or "none"
    for name in [*workflows, *(n for n in sections if n not in workflows)]:
        where = policy_files.dotted("workflow", name)
        if name not in workflows:
            reason = f"langgraph.json has no graph of this name; it has {known}"
            problems[name] = f"{file}: {FieldProblem(where, reason)}."
            continue
        own = sections.get(name, {})
        if isinstance(own, Mapping) and MODEL_CACHES in own:
            reason = 'is no key of a workflow; the cache of a model stands in [models."…".cache]'
            problems[name] = f"{file}: {FieldProblem(f'{where}.{MODEL_CACHES}', reason)}."
            continue
        both = {**defaults, **own} if isinstance(own, Mapping) else own
        policy, wrong = policy_files.read(WorkflowPolicy, both, where)
        if policy is None:
            problems[name] = f"{file}: {policy_files.say(wrong)}"
        elif both:
            read[name] = policy
    joined, clashes = breaker_names.join(read)
    for name, wrong in clashes.items():
        problems[name] = f"{file}: {policy_files.say(wrong)}"
    return {name: joined[name] for name in joined if name not in problems}, problems
