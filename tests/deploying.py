"""What the files of `deploy/`, the Dockerfile and compose.yaml say, read for the tests that hold them to the code."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for
from pydantic import ValidationError

from interlock.core.cli import root
from interlock.core.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[1]
KUBERNETES = ROOT / "deploy" / "kubernetes"
_SCHEMAS = ROOT / "tests" / "unit" / "schemas"
_BEFORE_OURS = re.compile(
    r"interlock |docker compose run --rm (?:web|worker) |docker run --rm interlock:\S+ |kubectl .* -- interlock "
)
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


def project_version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@cache
def documents(path: Path) -> tuple[Any, ...]:
    return tuple(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@cache
def schema(name: str) -> dict[str, Any]:
    return json.loads((_SCHEMAS / name).read_text(encoding="utf-8"))


def faults(value: Any, wanted: Mapping[str, Any]) -> list[str]:
    """What a schema does not like, each with its place."""
    found = validator_for(wanted)(wanted).iter_errors(value)
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in found]


def kubernetes_faults(document: Mapping[str, Any]) -> list[str]:
    whole = schema("kubernetes.json")
    names = [
        name
        for name, found in whole["$defs"].items()
        if document["kind"] in found.get("properties", {}).get("kind", {}).get("enum", ())
        and document["apiVersion"] in found["properties"]["apiVersion"]["enum"]
    ]
    if len(names) != 1:
        return [f"no schema for {document['apiVersion']} {document['kind']}"]
    return faults(document, whole | {"$ref": f"#/$defs/{names[0]}"})


def wrong_settings(environment: Mapping[str, str]) -> list[str]:
    """The variables that are no settings of ours, or whose value is refused."""
    ours = {name: v for name, v in environment.items() if name.startswith(ENV_PREFIX)}
    fields = {name: name.removeprefix(ENV_PREFIX).lower() for name in ours}
    wrong = [name for name, field in fields.items() if field not in Settings.model_fields]
    given = {fields[n]: v for n, v in ours.items() if n not in wrong and v != ""}
    try:
        Settings(**given)  # type: ignore[arg-type]  # texts, as the environment has them
    except ValidationError as exc:
        wrong += [f"{error['loc'][0]}: {error['msg']}" for error in exc.errors()]
    return wrong


def is_command(arguments: Iterable[str]) -> bool:
    """Whether the command line takes it; nothing is carried out."""
    found, rest = root.command(), list(arguments)
    context = None
    while True:
        context = found.make_context(found.name, rest, parent=context)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(found, "resolve_command"):
            return not rest
        _, found, rest = found.resolve_command(context, rest)


def interpolate(value: Any, given: Mapping[str, str]) -> Any:
    """As compose does it: `${NAME:-default}` and `${NAME:?reason}`."""
    if isinstance(value, Mapping):
        return {k: interpolate(v, given) for k, v in value.items()}
    if isinstance(value, list):
        return [interpolate(v, given) for v in value]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        if found := given.get(match["name"]):
            return found
        assert match["kind"] != "?", match["text"]
        return match["text"] or ""

    return _VARIABLE.sub(put, value)


def variables_in(text: str) -> set[str]:
    return {match["name"] for match in _VARIABLE.finditer(text)}


def instructions(path: Path) -> list[tuple[str, str]]:
    """A Dockerfile's instructions in order, continued lines joined."""
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if not x.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name.upper(), " ".join(rest.split())) for name, rest in split]


def variables_of(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What ENV sets."""
    pairs = (pair for name, text in found if name == "ENV" for pair in text.split())
    return dict(pair.split("=", 1) for pair in pairs)


def containers(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from document["spec"]["template"]["spec"]["containers"]


def seconds(text: str) -> float:
    """`45s`, `2m` of compose."""
    return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def commands_told(text: str) -> Iterator[list[str]]:
    """The commands of Interlock that a page tells of: alone on a line of a block, or alone in code."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(
        r"`(interlock [^`]+)`", re.sub(r"^ *```.*?```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    for line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)
        before = _BEFORE_OURS.match(" ".join(words))
        if before and (ours := words[len(before[0].split()) :]):
            yield ours
