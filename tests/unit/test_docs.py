"""Documentation that a change of the code would make untrue."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from interlock.core.cli import root
from interlock.core.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_settings_are_documented_as_they_are(name: str) -> None:
    field = Settings.model_fields[name]
    rows = [row for row in read("docs/settings.md").splitlines() if f"`{variable(name)}`" in row]
    assert len(rows) == 1, f"docs/settings.md must have one row for {variable(name)}"
    _, _, default, description, _ = (cell.strip() for cell in rows[0].split("|"))
    assert default == shown(field.default)
    assert description == field.description


def test_no_setting_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"^\| `(INTERLOCK_\w+)`", read("docs/settings.md"), re.MULTILINE))
    assert documented == {variable(name) for name in Settings.model_fields}


def variable(name: str) -> str:
    return f"{ENV_PREFIX}{name.upper()}"


def shown(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return "unset"
    if isinstance(default, tuple):
        return f"`{json.dumps(default)}`"
    return f"`{str(default).lower() if default in (True, False) else default}`"


def commands(command: Any, name: str = "interlock") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, leaves only."""
    below = getattr(command, "commands", {})
    for child, found in below.items():
        yield from commands(found, f"{name} {child}")
    if not below:
        yield name, command


COMMANDS = dict(commands(root.command()))


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_documented_with_their_options(name: str) -> None:
    page = read("docs/command-line.md")
    assert re.search(rf"\b{name}\b", page), f"docs/command-line.md does not mention `{name}`"
    options = {option for param in COMMANDS[name].params for option in param.opts}
    missing = {o for o in options if o.startswith("--") and not re.search(rf"{o}\b", page)}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_of_the_docs_is_in_their_index_or_in_the_gallerys() -> None:
    index = read("docs/index.md") + read("docs/gallery.md")
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    assert [p for p in pages if p != "index.md" and f"({p})" not in index] == []


def test_the_readme_is_short_and_begins_with_what_a_machine_needs() -> None:
    lines = read("README.md").splitlines()
    assert len(lines) <= 150
    assert all(word in lines[0] for word in ("make", "git", "Python 3.11", "venv"))


def test_every_make_target_that_is_told_of_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    told = {t for p in PAGES for t in re.findall(r"`make ([a-z]+)", p.read_text(encoding="utf-8"))}
    told |= set(re.findall(r"^make ([a-z]+)", read("README.md"), re.MULTILINE))
    assert told <= targets


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in read("CHANGELOG.md")


def test_the_licences_of_all_direct_dependencies_are_told() -> None:
    page = read("docs/why.md")
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    names = [re.split(r"[<>=\[]", line)[0] for line in wanted]
    assert [name for name in names if f"| {name} |" not in page] == []
