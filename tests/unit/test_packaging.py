"""What is installed is what is written: packages, locked versions, and nothing of one machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-image.lock")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(lock: str) -> dict[str, set[str]]:
    """Versions by name; several where Python versions or systems need different ones."""
    versions: dict[str, set[str]] = {}
    text = (ROOT / lock).read_text(encoding="utf-8")
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def test_every_package_is_listed_for_installation() -> None:
    folders = {
        f"interlock.{'.'.join(init.parent.relative_to(ROOT).parts)}"
        for top in ("core", "dashboard")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert folders == set(project()["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_versions_and_hashes_but_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) == len(
        re.findall("==.*\n    --hash=", text)
    )


@pytest.mark.parametrize("lock", [LOCKS[0], LOCKS[2]])
def test_the_dev_lock_holds_the_versions_of_the_other_locks(lock: str) -> None:
    dev = locked("requirements-dev.lock")
    assert {name: v for name, v in locked(lock).items() if dev.get(name) != v} == {}


@pytest.mark.parametrize(
    ("lock", "groups"),
    [(LOCKS[0], ("build",)), (LOCKS[1], ("build", "dev")), (LOCKS[2], ("build", "extras"))],
    ids=LOCKS,
)
def test_locks_hold_what_the_project_asks_for(lock: str, groups: tuple[str, ...]) -> None:
    versions = locked(lock)
    asked = list(project()["project"]["dependencies"])
    extras = project()["project"]["optional-dependencies"].values()
    known = project()["dependency-groups"] | {"extras": [one for extra in extras for one in extra]}
    asked += [line for group in groups for line in known[group]]
    unmet = [
        line
        for line in map(Requirement, asked)
        if not all(v in line.specifier for v in versions.get(line.name, {"0"}))
    ]
    assert unmet == []


def test_the_locked_build_backend_is_the_one_that_builds() -> None:
    assert project()["build-system"]["requires"] == project()["dependency-groups"]["build"]
