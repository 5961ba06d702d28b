"""
Import the module a graph lives in, under a name that is the same after every restart.

A stored state names its classes by module. `langgraph dev` gives a file a name made of its path;
so do we, unless the file is what `import a.b` finds anyway: then it is imported as `a.b`, so that
the graph and the modules that import its state share one class.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from interlock.core.graphs.project import ExportProblem, GraphSpec, Project

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def import_target(spec: GraphSpec, project: Project) -> ModuleType:
    """
    Import the module of a graph; the project must have been entered.

    Raises:
        ExportProblem: The file is not there.
        Exception: Whatever the user's code raises.
    """
    if not spec.is_file:
        return importlib.import_module(spec.module)
    return import_file(project.folder / spec.module.replace("\\", "/"), project)


def import_file(file: Path, project: Project) -> ModuleType:
    """Import a Python file of the project under its stable name; a file is executed once."""
    file = file.resolve()
    if not file.is_file():
        raise ExportProblem(f"there is no file {file}")
    dotted = find_dotted_name(file, project)
    if dotted:
        return importlib.import_module(dotted)
    name = make_flat_name(file, project.folder)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ExportProblem(f"{file} is not a Python file")
    return _execute(spec)


def find_dotted_name(file: Path, project: Project) -> str | None:
    """The name by which an import statement finds this very file, if there is one."""
    for name in _candidates(file, project):
        spec = _find_spec(name)
        if spec is not None and spec.origin and _is_same(Path(spec.origin), file):
            return name
    return None


def make_flat_name(file: Path, folder: Path) -> str:
    """A name from the file's path relative to the project, free of dots, so that it has no parent."""
    relative = Path(os.path.relpath(file, folder)).with_suffix("").as_posix()
    plain = re.sub(r"\W", "_", relative.replace("/", "__"), flags=re.ASCII)
    if plain == relative.replace("/", "__"):
        return f"__{plain}"
    digest = hashlib.sha256(relative.encode()).hexdigest()[:8]  # "a b.py" is not "a_b.py"
    return f"__{plain}_{digest}"


def is_project_file(file: str | None, project: Project) -> bool:
    """Whether a module's file is the project's own, not of an environment installed inside it."""
    if not file:
        return False
    path = Path(file).resolve()
    return any(
        path.is_relative_to(folder) and not _INSTALLED & set(path.relative_to(folder).parts)
        for folder in project.import_paths
    )


def _candidates(file: Path, project: Project) -> Iterator[str]:
    package_root = file.parent
    while (package_root / "__init__.py").is_file():
        package_root = package_root.parent
    for folder in (package_root, *project.import_paths):
        if (package_root != file.parent or folder in project.import_paths) and (
            file.is_relative_to(folder)
        ):
            parts = file.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if parts and all(part.isidentifier() for part in parts):
                yield ".".join(parts)


def _find_spec(name: str) -> ModuleSpec | None:
    """As importlib.util.find_spec, but without importing the parent packages."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ValueError, ImportError):
        return None
    for index, _ in enumerate(rest):
        if spec is None or spec.submodule_search_locations is None:
            return None
        full = ".".join((top, *rest[: index + 1]))
        spec = _find_in(full, list(spec.submodule_search_locations))
    return spec


def _find_in(name: str, folders: Iterable[str]) -> ModuleSpec | None:
    # As PathFinder, which for a namespace package wants its parent to be imported.
    portions: list[str] = []
    for folder in folders:
        finder = pkgutil.get_importer(folder)
        found = finder.find_spec(name) if finder is not None else None
        if found is not None and found.loader is not None:
            return found
        portions += (found.submodule_search_locations or ()) if found is not None else ()
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace if portions else None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other
    except OSError:
        return False


def _execute(spec: ModuleSpec) -> ModuleType:
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pydantic look their own module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(spec.name, None)
        raise
    return module
