"""The layers hold: import contracts of pyproject.toml, and what they cannot express."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_import_contract_is_kept(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo"]
    done = subprocess.run(
        [*command, "--config", ROOT / "pyproject.toml", "--cache-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "core/services").glob("*.py")), ids=lambda p: p.stem
)
def test_services_know_only_the_connection_types_of_sqlalchemy(path: Path) -> None:
    used = {name for name in imported_names(path) if name.split(".")[0] == "sqlalchemy"}
    assert used <= {"sqlalchemy.Connection", "sqlalchemy.Engine"}


@pytest.mark.parametrize("module", ["app_pages", "components", "views", "http"])
def test_dashboard_modules_are_imported_by_their_full_name(module: str) -> None:
    """Streamlit puts the script's folder first on sys.path, where bare names make second modules."""
    files = sorted((ROOT / "dashboard").rglob("*.py"))
    bare = {str(f): n for f in files for n in imported_names(f) if n.split(".")[0] == module}
    assert bare == {}


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names
