"""
Ask OSV's advisory database about every locked package; a part of `make check`.

One request for all of them, at most once a day for the same lock. A known hole fails. Without a network
it says that nothing was looked at, and does not fail; with AUDIT=must it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.lock"  # holds all that the others hold; a test sees to it
EXCEPTIONS = ROOT / "scripts" / "audit_exceptions.txt"
STAMP = ROOT / "build" / "audit.json"
OSV = "https://api.osv.dev/v1"
AT_ONCE = 1000  # queries of one request, by OSV's own bound
GOOD_FOR = timedelta(days=1)
_LOCKED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)
_EXCEPTION = re.compile(r"(?P<id>\S+) until (?P<until>\d{4}-\d\d-\d\d): (?P<reason>.+)")


@dataclass(frozen=True)
class Hole:
    """One advisory that holds for one locked package."""

    package: str
    version: str
    names: tuple[str, ...]  # of the advisory, its own first
    summary: str
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        """One line for whoever has to mend it."""
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended yet"
        return f"{self.package} {self.version}: {' '.join(self.names)}: {self.summary} ({mended})"


def main(
    *, url: str = OSV, lock: Path = LOCK, exceptions: Path = EXCEPTIONS, stamp: Path = STAMP
) -> int:
    """Print one line of what came of it, or a line for each hole; the exit code."""
    now = datetime.now(UTC)
    packages = read_lock(lock)
    digest = hashlib.sha256(lock.read_bytes() + exceptions.read_bytes()).hexdigest()
    if asked_at := _last_asked(stamp, digest, now):
        print(f"ok ({len(packages)} packages, asked {asked_at:%Y-%m-%d %H:%M})")
        return 0
    excepted = read_exceptions(exceptions, now.date())
    try:
        with httpx.Client(base_url=url, timeout=httpx.Timeout(20, connect=5)) as client:
            holes = [h for h in ask(client, packages) if not excepted & set(h.names)]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
        must = os.environ.get("AUDIT") == "must"
        print(f"NOT DONE: nothing was looked at, {url} does not answer as it should ({exc})")
        return int(must)
    for hole in holes:
        print(hole)
    if not holes:
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(json.dumps({"digest": digest, "asked_at": now.isoformat()}))
        print(f"ok ({len(packages)} packages, asked now)")
    return int(bool(holes))


def read_lock(lock: Path) -> list[tuple[str, str]]:
    """Names and versions; one name may have several, for other Pythons or systems."""
    return sorted(set(_LOCKED.findall(lock.read_text(encoding="utf-8"))))


def read_exceptions(path: Path, today: date) -> set[str]:
    """The advisories that are let pass today."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [_EXCEPTION.fullmatch(line) for line in lines if line and not line.startswith("#")]
    if not all(found):
        raise SystemExit(f"{path.name}: a line is `ID until YYYY-MM-DD: reason`")
    return {m["id"] for m in found if m and date.fromisoformat(m["until"]) >= today}


def ask(client: httpx.Client, packages: list[tuple[str, str]]) -> list[Hole]:
    """All holes that are known."""
    holes = []
    for start in range(0, len(packages), AT_ONCE):
        part = packages[start : start + AT_ONCE]
        answers = _post(client, part)
        for (name, version), answer in zip(part, answers, strict=True):
            for found in answer.get("vulns", ()):
                hole = _look_up(client, name, version, found["id"])
                holes += [hole] if hole else []
    return holes


def _post(client: httpx.Client, packages: list[tuple[str, str]]) -> list[dict[str, Any]]:
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    answer = client.post("/querybatch", json={"queries": queries}).raise_for_status()
    return list(answer.json()["results"])


def _look_up(client: httpx.Client, name: str, version: str, advisory: str) -> Hole | None:
    told = client.get(f"/vulns/{advisory}").raise_for_status().json()
    if "withdrawn" in told:
        return None
    mended = {
        event["fixed"]
        for affected in told.get("affected", ())
        if affected.get("package", {}).get("name", "").lower().replace("_", "-") == name
        for span in affected.get("ranges", ())
        if span.get("type") == "ECOSYSTEM"
        for event in span.get("events", ())
        if "fixed" in event
    }
    summary = str(told.get("summary") or told.get("details", "")).partition("\n")[0][:200]
    names = (advisory, *told.get("aliases", ()))
    return Hole(name, version, names, summary or "no summary", tuple(sorted(mended)))


def _last_asked(stamp: Path, digest: str, now: datetime) -> datetime | None:
    try:
        told = json.loads(stamp.read_text(encoding="utf-8"))
        asked_at = datetime.fromisoformat(told["asked_at"])
    except (OSError, ValueError, KeyError):
        return None
    is_good = told["digest"] == digest and timedelta() <= now - asked_at < GOOD_FOR
    return asked_at if is_good else None


if __name__ == "__main__":
    sys.exit(main())
