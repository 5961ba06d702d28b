"""docs/policies.md knows every key of the file, and its examples are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from interlock.core.model import policies
from interlock.core.model.notice_rules import NoticeRule, Webhook
from interlock.core.policy import FILE_NAME, MODEL_CACHES, read_policies

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "policies.md").read_text(encoding="utf-8")
TABLES = [
    *(policies.WorkflowPolicy, policies.NodePolicy, policies.ToolPolicy, policies.ApprovalPolicy),
    policies.RoutingRule,
    *(policies.Retry, policies.Timeout, policies.BreakerRules, policies.CacheRules),
    *(policies.RateRules, policies.Fallback, policies.OutageRules, policies.SandboxRules),
    *(policies.Price, policies.ModelRules, policies.StandIn, policies.AlertRule, policies.Notify),
]


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_key_is_documented(kind: type[BaseModel]):
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", TEXT))))
    assert set(kind.model_fields) - {MODEL_CACHES} <= words


@pytest.mark.parametrize("kind", [NoticeRule, Webhook], ids=lambda kind: kind.__name__)
def test_every_key_of_notices_is_documented(kind: type[BaseModel]):
    text = (DOCS / "notices.md").read_text(encoding="utf-8")
    assert [name for name in kind.model_fields if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("kind", [policies.Retry, policies.BreakerRules, policies.CacheRules])
def test_the_defaults_are_those_of_the_code(kind: type[BaseModel]):
    for name, field in kind.model_fields.items():
        if isinstance(field.default, bool) or not isinstance(field.default, int | float):
            continue
        assert f"| `{name}` | {field.default:g} |" in TEXT


@pytest.mark.parametrize("page", ["policies.md", "alerts.md", "routing.md", "notices.md"])
def test_examples_are_read_without_a_problem(page, tmp_path):
    text = (DOCS / page).read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        (tmp_path / FILE_NAME).write_text(example, encoding="utf-8")
        assert read_policies(tmp_path, ["refunds"]).told == ()
