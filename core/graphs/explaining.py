"""Say in one sentence why a graph did not load: what, in which file and line, and what to run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
import traceback
from pathlib import Path

from interlock.core.graphs.modules import is_project_file
from interlock.core.graphs.project import ExportProblem, GraphSpec, Project

OWN_NAME = __name__.partition(".")[0]


def explain_import_failure(spec: GraphSpec, project: Project, exc: BaseException) -> str:
    """Why importing the graph's module, or finding the graph in it, failed."""
    if isinstance(exc, ExportProblem):
        return f"{spec.target}: {exc}."
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return f"{spec.target}: {_explain_missing_module(project, exc, exc.name)}."
    return f"{spec.target}: importing it raised {_sentence(exc)}{_place(project, exc)}."


def explain_factory_failure(spec: GraphSpec, exc: BaseException) -> str:
    """Why calling the graph's factory failed, or what it returned instead of a graph."""
    if isinstance(exc, ExportProblem):
        return f"{spec.target}: what the factory {spec.variable!r} returned {exc}."
    frames = traceback.extract_tb(exc.__traceback__)
    name = Path(spec.module).name if spec.is_file else spec.module.rpartition(".")[2] + ".py"
    frame = next((f for f in reversed(frames) if Path(f.filename).name == name), None)
    where = f" ({frame.filename}, line {frame.lineno})" if frame else ""
    return f"{spec.target}: the factory {spec.variable!r} raised {_sentence(exc)}{where}."


def explain_description_failure(spec: GraphSpec, exc: BaseException) -> str:
    """Why a graph that loaded could not be described."""
    return f"{spec.target}: describing it raised {_sentence(exc)}."


def suggest_install(project: Project, module: str) -> str:
    """The command that most likely makes a module importable."""
    top = module.partition(".")[0]
    for dependency in project.dependencies:
        name = re.split(r"[\s\[<>=!~;@]", dependency, maxsplit=1)[0]
        if _normalise(name) == _normalise(top):
            return f"pip install {shlex.quote(dependency)}"
    for folder in project.import_paths:
        if _is_installable(folder):
            return f"pip install -e {shlex.quote(str(folder))}"
        if (folder / "requirements.txt").is_file():
            return f"pip install -r {shlex.quote(str(folder / 'requirements.txt'))}"
    return f"pip install {_normalise(top)}"


def _explain_missing_module(project: Project, exc: BaseException, module: str) -> str:
    top = module.partition(".")[0]
    if top == OWN_NAME:
        return (
            f"the module {module!r} that it imports cannot be found, because the name {top!r} is "
            "Interlock's own; give the project's package another"
        )
    folder = _find_beside(project, exc, top)
    if folder is not None:
        relative = os.path.relpath(folder, project.folder)
        return (
            f"the module {module!r} that it imports lies in {folder}, which is not on the import "
            f'path; add "./{Path(relative).as_posix()}" to dependencies in langgraph.json'
        )
    if module != top and _is_there(top):
        return (
            f"the module {module!r} that it imports is not part of the {top!r} that is found here; "
            "correct its name, or install the version that has it"
        )
    return (
        f"the module {module!r} that it imports is not installed here; "
        f"install the project first with `{suggest_install(project, module)}`"
    )


def _find_beside(project: Project, exc: BaseException, top: str) -> Path | None:
    """The folder of the project that holds a module but is not on the import path."""
    files = [Path(f.filename).resolve() for f in traceback.extract_tb(exc.__traceback__)]
    own = [file for file in files if is_project_file(str(file), project)]
    folders = [folder for file in reversed(own) for folder in file.parents]
    folders = [f for f in folders if f.is_relative_to(project.folder)]
    folders += [path / "src" for path in project.import_paths]
    for folder in folders:
        if folder in project.import_paths or (
            folder.name == "src" and _is_installable(folder.parent)
        ):
            continue
        if (folder / f"{top}.py").is_file() or any((folder / top).glob("*.py")):
            return folder
    return None


def _is_installable(folder: Path) -> bool:
    return any((folder / n).is_file() for n in ("pyproject.toml", "setup.py", "setup.cfg"))


def _is_there(top: str) -> bool:
    try:
        return top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _place(project: Project, exc: BaseException) -> str:
    if isinstance(exc, SyntaxError) and exc.filename:
        return f" ({exc.filename}, line {exc.lineno})"
    for frame in reversed(traceback.extract_tb(exc.__traceback__)):
        if is_project_file(frame.filename, project):
            return f" ({frame.filename}, line {frame.lineno})"
    return ""


def _sentence(exc: BaseException) -> str:
    text = (exc.msg if isinstance(exc, SyntaxError) else str(exc)).strip().rstrip(".")
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
