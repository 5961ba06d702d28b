"""
Read a project's langgraph.json: which graphs it exports and what they need, and its policies.

Reads files only; nothing is imported and nothing of the process is changed (`entering` does that).
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.policies import Policies
from interlock.core.policy import read_policies

GALLERY = Path(__file__).resolve().parents[1] / "gallery" / "langgraph.json"

USED_KEYS = frozenset({"$schema", "graphs", "dependencies", "env", "store", "checkpointer"})
USED_STORE_KEYS = frozenset({"index", "ttl"})
JAVASCRIPT = (".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx")


class ExportProblem(Exception):
    """What a graph's target names is not there or is not a graph; the message is half a sentence."""


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """One entry of `graphs`: `target` is "path.py:variable" or "package.module:variable"."""

    name: str
    target: str
    description: str = ""

    @property
    def module(self) -> str:
        """The part before the last colon: a file or a dotted module name."""
        return self.target.rpartition(":")[0]

    @property
    def variable(self) -> str:
        """The part after the last colon: the exported name."""
        return self.target.rpartition(":")[2]

    @property
    def is_file(self) -> bool:
        """Whether the target names a file rather than an importable module."""
        return "/" in self.module or "\\" in self.module or self.module.endswith(".py")


@dataclass(frozen=True, kw_only=True)
class Project:
    """
    What a langgraph.json says.

    `dependencies` are as written (folders, or names of packages); `env` is the variables, or the
    path of the file that holds them; `allow_types` are (module, class) pairs that
    `checkpointer.serde.allowed_msgpack_modules` names; `unused_keys` are the keys that have no
    effect here; `warnings` are sentences for the operator; `policies` is what the interlock.toml
    beside it says.
    """

    path: Path
    folder: Path
    graphs: tuple[GraphSpec, ...]
    dependencies: tuple[str, ...] = ()
    env: Mapping[str, str] | Path = field(default_factory=dict)
    store_config: Mapping[str, Any] | None = None
    allow_types: tuple[tuple[str, str], ...] = ()
    unused_keys: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    policies: Policies = field(default_factory=Policies)

    @property
    def import_paths(self) -> tuple[Path, ...]:
        """The folders that go on the import path, in order: the project's, then its local dependencies'."""
        paths = [self.folder]
        for dependency in self.dependencies:
            path = (self.folder / dependency).resolve()
            if path.is_dir() and path not in paths:
                paths.append(path)
        return tuple(paths)


def read_project(path: Path | None) -> Project:
    """
    Read a langgraph.json.

    Args:
        path: The file, or the folder that holds it; None reads the shipped gallery.

    Raises:
        InvalidInput: The file is missing, is not JSON, or says something that has no meaning.
    """
    file = _locate(path)
    problems: list[FieldProblem] = []
    warnings: list[str] = []
    config = _parse(file, warnings)
    folder = file.parent
    graphs = _read_graphs(config.get("graphs"), problems)
    dependencies = _read_dependencies(config.get("dependencies"), folder, problems, warnings)
    env = _read_env(config.get("env"), folder, problems, warnings)
    store = _read_section(config, "store", problems)
    allow_types = _read_allow_types(config, problems, warnings)
    if problems:
        raise InvalidInput(f"{file} cannot be used:", problems=problems)
    return Project(
        path=file,
        folder=folder,
        graphs=graphs,
        dependencies=dependencies,
        env=env,
        store_config=store,
        allow_types=allow_types,
        unused_keys=_list_unused(config),
        warnings=tuple(warnings),
        policies=read_policies(folder, [graph.name for graph in graphs]),
    )


def _locate(path: Path | None) -> Path:
    file = (GALLERY if path is None else Path(path).expanduser()).absolute()
    if file.is_dir():
        file = file / "langgraph.json"
    if not file.is_file():
        raise InvalidInput(
            f"There is no file {file}.",
            hint="Give the path of the project's langgraph.json with --config.",
        )
    return file.resolve()


def _parse(file: Path, warnings: list[str]) -> dict[str, Any]:
    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(key for key, _ in pairs)
        warnings.extend(
            f"{file} has the key {key!r} {count} times in one object: only the last one counts, "
            f"what the others say is lost."
            for key, count in counts.items()
            if count > 1
        )
        return dict(pairs)

    try:
        config = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=make_object)
    except json.JSONDecodeError as exc:
        raise InvalidInput(
            f"{file} is not JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}."
        ) from exc
    except RecursionError:
        raise InvalidInput(f"{file} is nested too deeply.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{file} cannot be read: {exc}.") from exc
    if not isinstance(config, dict):
        raise InvalidInput(f"{file} must hold a JSON object, not {_kind(config)}.")
    return config


def _read_graphs(value: Any, problems: list[FieldProblem]) -> tuple[GraphSpec, ...]:
    if not isinstance(value, dict) or not value:
        problems.append(
            FieldProblem("graphs", 'must name at least one graph, as {"name": "path.py:variable"}')
        )
        return ()
    specs = [_read_graph(name, entry, problems) for name, entry in value.items()]
    return tuple(spec for spec in specs if spec is not None)


def _read_graph(name: str, entry: Any, problems: list[FieldProblem]) -> GraphSpec | None:
    where = f"graphs.{name}"
    description = ""
    if isinstance(entry, dict):
        description = str(entry.get("description") or "")
        entry = entry.get("path")
    if not isinstance(entry, str):
        problems.append(FieldProblem(where, 'must be "path.py:variable" or have such a "path"'))
        return None
    spec = GraphSpec(name=name, target=entry.strip(), description=description)
    problem = _check_target(spec)
    if not name.strip():
        problem = "a graph needs a name"
    if problem:
        problems.append(FieldProblem(where, problem))
        return None
    return spec


def _check_target(spec: GraphSpec) -> str:
    if not spec.module or not spec.variable:
        return f'{spec.target!r} must be "path.py:variable" or "package.module:variable"'
    if spec.module.endswith(JAVASCRIPT):
        return f"{spec.module} is a JavaScript graph; only Python graphs can be run"
    if not spec.variable.isidentifier():
        return f"{spec.variable!r} is not the name of a Python variable"
    return ""


def _read_dependencies(
    value: Any, folder: Path, problems: list[FieldProblem], warnings: list[str]
) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        problems.append(FieldProblem("dependencies", "must be a list of folders or package names"))
        return ()
    warnings += filter(None, (_check_dependency(item, folder) for item in value))
    return tuple(value)


def _check_dependency(dependency: str, folder: Path) -> str:
    if (folder / dependency).is_dir() or "://" in dependency:
        return ""
    if dependency.startswith((".", "/", "~")):
        return f"The dependency {dependency} of langgraph.json is not a folder in {folder}."
    name = re.split(r"[\s\[<>=!~;@]", dependency.strip(), maxsplit=1)[0]
    try:
        metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        command = f"pip install {shlex.quote(dependency)}"
        return (
            f"The dependency {dependency} of langgraph.json is not installed here; run `{command}`."
        )
    return ""


def _read_env(
    value: Any, folder: Path, problems: list[FieldProblem], warnings: list[str]
) -> Mapping[str, str] | Path:
    if value is None:
        return {}
    if isinstance(value, str):
        return _read_env_path(folder / value, warnings)
    if isinstance(value, dict) and all(_is_scalar(item) for item in value.values()):
        return {name: _as_variable(item) for name, item in value.items()}
    problems.append(
        FieldProblem("env", "must be the path of an env file, or names with text values")
    )
    return {}


def _read_env_path(file: Path, warnings: list[str]) -> Path:
    if not file.is_file():
        example = file.with_name(f"{file.name}.example")
        names = [shlex.quote(str(f)) for f in (example, file)]
        command = f"cp {' '.join(names)}" if example.is_file() else f"touch {names[1]}"
        warnings.append(
            f"The env file {file} that langgraph.json names is not there, so no variable was set "
            f"from it; create it with `{command}` and fill it in."
        )
    return file


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _as_variable(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_section(
    config: Mapping[str, Any], key: str, problems: list[FieldProblem]
) -> Mapping[str, Any] | None:
    value = config.get(key)
    if value is None or isinstance(value, dict):
        return value
    problems.append(FieldProblem(key, f"must be an object, not {_kind(value)}"))
    return None


def _read_allow_types(
    config: Mapping[str, Any], problems: list[FieldProblem], warnings: list[str]
) -> tuple[tuple[str, str], ...]:
    section = _read_section(config, "checkpointer", problems) or {}
    serde = section.get("serde")
    allowed = serde.get("allowed_msgpack_modules") if isinstance(serde, dict) else None
    if allowed is True:
        warnings.append(
            "checkpointer.serde.allowed_msgpack_modules is true, which would let stored bytes name "
            "any class; only the project's own classes are restored. List further ones by name."
        )
    if not isinstance(allowed, list):
        return ()
    pairs = [tuple(item) for item in allowed if _is_pair(item)]
    if len(pairs) != len(allowed):
        problems.append(
            FieldProblem(
                "checkpointer.serde.allowed_msgpack_modules",
                'must be a list of ["module", "Class"] pairs',
            )
        )
    return tuple((module, name) for module, name in pairs)


def _is_pair(item: Any) -> bool:
    return isinstance(item, Sequence) and len(item) == 2 and all(isinstance(x, str) for x in item)


def _list_unused(config: Mapping[str, Any]) -> tuple[str, ...]:
    unused = [key for key in config if key not in USED_KEYS]
    unused += [f"store.{key}" for key in config.get("store") or () if key not in USED_STORE_KEYS]
    for key, value in (config.get("checkpointer") or {}).items():
        if key != "serde" or not isinstance(value, dict):
            unused.append(f"checkpointer.{key}")
            continue
        unused += [
            f"checkpointer.serde.{name}" for name in value if name != "allowed_msgpack_modules"
        ]
    return tuple(unused)


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
