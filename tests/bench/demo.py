"""A demonstration from its command on: when it can be shown, when it is whole, what it takes meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from measuring import Row

from interlock.core import bootstrap
from interlock.core.model.demonstration import Demonstration
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import demonstrating, sifting
from interlock.core.services.context import App
from interlock.core.settings import Settings

BAR_S = 10.0  # until there is something to show
WAIT_S = 600.0
STOP_S = 60.0
LOOK_S = 0.1
NAMES = {
    "up": "parent",
    "web": "web",
    "worker": "worker",
    "demo": "player",
}  # by the command's word
CLI = (sys.executable, "-P", "-m", "interlock.core.cli")


@dataclass
class Watch:
    """What is seen of a demonstration while somebody waits for it."""

    process: subprocess.Popen[bytes]
    begun: float
    sizes: dict[str, float] = field(default_factory=dict)

    def wait(self, **looks: Callable[[], bool]) -> dict[str, float]:
        """Seconds from the command until each is so; the memory is watched meanwhile."""
        took: dict[str, float] = {}
        while len(took) < len(looks):
            since = time.monotonic() - self.begun
            if since > WAIT_S:
                raise TimeoutError("The demonstration did not come so far.")
            took |= {name: since for name, is_so in looks.items() if name not in took and is_so()}
            self._weigh()
            time.sleep(LOOK_S)
        return took

    def _weigh(self) -> None:
        parent = psutil.Process(self.process.pid)
        for each in (parent, *parent.children(recursive=True)):
            try:
                name, size = _name_of(each.cmdline()), each.memory_info().rss / 1e6
            except psutil.Error:  # it has just ended
                continue
            self.sizes[name] = max(self.sizes.get(name, 0.0), size)


def measure(folder: Path) -> Iterator[Row]:
    """Start one in an empty folder, with the past and the rate that it has by itself."""
    settings = Settings(data_dir=folder / "data")
    out = folder / "out"
    with out.open("w") as told:
        begun = time.monotonic()
        process = subprocess.Popen(
            [
                *(*CLI, "up", "--demo", "--json", "--no-browser", "--port", "0"),
                *("--data-dir", str(settings.data_dir)),
            ],
            stdout=told,
            stderr=subprocess.DEVNULL,
        )
        watch = Watch(process, begun)
        try:
            took = watch.wait(ready=lambda: out.read_text().endswith("}\n"))
            app = bootstrap.build_app(settings, may_create=False)
            took |= watch.wait(
                card=lambda: sifting.count(app, InboxFilter()) > 0,
                opened=lambda: _read(app).opened_at is not None,
                filled=lambda: _read(app).filled_at is not None,
            )
            app.engine.dispose()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_S)
    bar = f"<= {BAR_S:g} s"
    for name, figure in (("ready", "ready"), ("card", "the first card waits")):
        yield Row(f"demonstration: {figure}", f"{took[name]:.1f} s", bar, took[name] <= BAR_S)
    yield _tell("demonstration: the first threads are through", f"{took['opened']:.1f} s")
    yield _tell("demonstration: the week before is filled", f"{took['filled']:.1f} s")
    sizes = ", ".join(f"{name} {size:.0f}" for name, size in sorted(watch.sizes.items()))
    yield _tell("demonstration: the most memory until then, MB", sizes)


def _tell(figure: str, measured: str) -> Row:
    return Row(figure, measured, "(none is stated)", None)


def _name_of(command: list[str]) -> str:
    return next((NAMES[word] for word in command if word in NAMES), "others")


def _read(app: App) -> Demonstration:
    found = demonstrating.read(app)
    assert found is not None
    return found
