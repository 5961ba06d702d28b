"""
Cut the schemas that the deployment files are tested against out of what their projects publish.

    pip download --no-deps kubernetes-validate check-jsonschema      # wheels that carry them; unzip both
    python scripts/cut_schemas.py v1.37.0-local-strict/_definitions.json vendor/compose-spec.json

Whole they are megabytes in thousands of files; here are the kinds that `deploy/` uses, without their prose.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "tests" / "unit" / "schemas"
KINDS = {
    "io.k8s.api.core.v1": ("ConfigMap", "Namespace", "Service", "ServiceAccount"),
    "io.k8s.api.apps.v1": ("Deployment",),
    "io.k8s.api.batch.v1": ("Job",),
    "io.k8s.api.autoscaling.v2": ("HorizontalPodAutoscaler",),
    "io.k8s.api.networking.v1": ("Ingress", "NetworkPolicy"),
    "io.k8s.api.policy.v1": ("PodDisruptionBudget",),
}
POINTER = "#/$defs/"


def main(kubernetes: Path, compose: Path) -> None:
    """Write both."""
    TARGET.mkdir(exist_ok=True)
    _write("kubernetes.json", cut_kubernetes(json.loads(kubernetes.read_text())), kubernetes)
    _write("compose.json", strip(json.loads(compose.read_text())), compose)


def cut_kubernetes(whole: dict[str, Any]) -> dict[str, Any]:
    """The definitions of our kinds and of all that these refer to."""
    known = whole["$defs"]
    todo = [f"{group}.{kind}" for group, kinds in KINDS.items() for kind in kinds]
    kept: dict[str, Any] = {}
    while todo:
        name = todo.pop()
        if name not in kept:
            kept[name] = strip(known[name])
            todo += sorted(references(kept[name]))
    return {"$defs": dict(sorted(kept.items()))}


def references(value: Any) -> set[str]:
    """The names of the definitions that a schema points to."""
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"].rpartition(POINTER)[2]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*(references(item) for item in value.values()))


def strip(value: Any, *, is_schema: bool = True) -> Any:
    """Without descriptions; a property may be called so, and stays."""
    if isinstance(value, list):
        return [strip(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = {"properties", "definitions", "$defs", "patternProperties"}
    return {
        key: strip(item, is_schema=not (is_schema and key in names))
        for key, item in value.items()
        if not (is_schema and (key == "description" or key.startswith("x-kubernetes")))
    }


def _write(name: str, schema: dict[str, Any], source: Path) -> None:
    origin = f"Cut by scripts/cut_schemas.py from {'/'.join(source.parts[-2:])}; Apache-2.0."
    text = json.dumps({"$comment": origin} | schema, separators=(",", ":"))
    # A line for each definition, so that a newer one can be compared.
    (TARGET / name).write_text(text.replace(',"io.k8s', ',\n"io.k8s') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
