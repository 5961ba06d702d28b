"""Every pattern has a workflow that shows it and a test that is named by its id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.core.gallery import lines

HERE = Path(__file__).parent
GALLERY = Path(lines.__file__).parents[1]
DOCS = HERE.parents[2] / "docs"
PATTERNS = [f"P{number}" for number in range(1, 23)]
TABLE = (DOCS / "gallery.md").read_text(encoding="utf-8")


def row(pattern):
    [found] = re.findall(rf"^\| {pattern} [^|]*\|([^|]*)\|([^|]*)\|$", TABLE, re.MULTILINE)
    workflows, tests = found
    return re.findall(r"\[(\w+)\]\(gallery/", workflows), re.findall(r"`(test_\w+\.py)`", tests)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_a_workflow_and_a_test_of_its_name(pattern):
    workflows, tests = row(pattern)

    assert workflows
    assert all((GALLERY / f"{name}.py").is_file() for name in workflows)
    assert tests
    for name in tests:
        named = rf"def test_{pattern.lower()}_\w+"
        assert re.search(named, (HERE / name).read_text(encoding="utf-8")), name


@pytest.mark.parametrize(
    "path", sorted((DOCS / "gallery").glob("*.md")), ids=lambda path: path.stem
)
def test_every_page_of_a_workflow_names_its_patterns_and_is_short(path):
    text = path.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert f"(`{path.stem}`)" in text.splitlines()[0]
    assert len(text.splitlines()) <= 60
    assert re.search(r"\bP\d+\b", text)
