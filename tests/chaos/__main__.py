"""
Many workers while everything fails: kills, pauses, restarts of PostgreSQL, cut cables, rivals.

    python tests/chaos [--threads N] [--workers N] [--minutes N] [--seed N] [--faults a,b] ...

Ends with 1 if anything was lost. `--seed` draws the same faults in the same order.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import evidence  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
from crew import LINK, Crew  # noqa: E402
from faults import ALL, NEED_SERVER, Scene, draw_rounds  # noqa: E402
from fleet import Fleet  # noqa: E402
from ledger import Ledger  # noqa: E402
from report import Whole  # noqa: E402
from rounds import Chaos, Round, at_work  # noqa: E402
from stage import Network, open_database, open_folder  # noqa: E402

ROUND_S = 25.0  # a round takes about so long


def main(given: list[str]) -> int:
    """Let it happen, and say what came of it."""
    options = read_options(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # leave none behind
    whole = run(options)
    print(f"\n{report.write(whole)}")
    if options.json is not None:
        options.json.write_text(json.dumps(whole.as_json(), indent=2))
    return 1 if whole.losses else 0


def read_options(given: list[str]) -> argparse.Namespace:
    """What is wanted."""
    parser = argparse.ArgumentParser(
        prog="make chaos", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--threads", type=int, default=3000, help="in all")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4, help="processes that launch and decide")
    parser.add_argument("--minutes", type=float, default=20.0, help="about how long it takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dead-after", type=float, default=7.0, help="a worker's, in seconds")
    parser.add_argument("--forked", action="store_true", help="fork workers: quicker to start")
    parser.add_argument("--faults", type=lambda names: names.split(","), help=", ".join(ALL))
    parser.add_argument("--database", help="a PostgreSQL that is there; it is never stopped")
    parser.add_argument("--folder", type=Path, help="where journals and logs are kept")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args(given)
    unknown = set(options.faults or ()) - set(ALL)
    if unknown:
        parser.error(f"There is no fault {min(unknown)!r}; there are {', '.join(ALL)}.")
    return options


def run(options: argparse.Namespace) -> Whole:
    """All rounds, and the last look at the books."""
    drawn = random.Random(options.seed)
    began_at = time.monotonic()
    slots = [f"worker-{number}" for number in range(options.workers)]
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder(options.folder))
        database = stack.enter_context(open_database(options.database))
        network = stack.enter_context(Network(database.upstream, [*slots, LINK]))
        names = [name for name in ALL if database.can_stop or name not in NEED_SERVER]
        fleet = Fleet(
            database,
            network,
            folder,
            slots,
            dead_after_s=options.dead_after,
            start=processes.Forked if options.forked else processes.start,
        )
        crew = Crew(database, network, folder, count=options.clients, drawn=drawn)
        stack.enter_context(at_work(fleet, crew))
        fleet.start()
        fleet.wait_until_ready()
        scene = Scene(database, network, fleet, crew, drawn, options.dead_after)
        chaos = Chaos(database, fleet, crew, scene, Ledger(database, folder))
        rounds = []
        count = len(options.faults or ()) or max(1, round(options.minutes * 60 / ROUND_S))
        for number, fault in enumerate(draw_rounds(options.faults or names, count, drawn), 1):
            rounds.append(chaos.play(number, fault, max(1, options.threads // count)))
            _say(rounds[-1], count)
            if rounds[-1].is_stuck:
                break
        found = chaos.finish(is_stuck=rounds[-1].is_stuck)
        server = database.ask("SHOW server_version")[0]["server_version"].split()[0]
        whole = Whole(
            options=_shown(options),
            rounds=rounds,
            found=found,
            seconds=time.monotonic() - began_at,
            server=f"PostgreSQL {server}",
        )
        evidence.keep(database, folder, whole.losses)
        return whole


def _shown(options: argparse.Namespace) -> dict[str, Any]:
    names = ("threads", "workers", "clients", "minutes", "seed")
    faults = {"faults": ",".join(options.faults)} if options.faults else {}
    return {name: getattr(options, name) for name in names} | faults


def _say(told: Round, count: int) -> None:
    took = report.spread(told.taken_over_s)
    taken = f", {took['count']} taken over in {took['median_s']} s" if told.taken_over_s else ""
    gave_up = f", gave up: {', '.join(told.gave_up)}" if told.gave_up else ""
    print(
        f"{told.number}/{count} {told.fault.says}: {told.in_flight} in flight{taken}{gave_up},"
        f" at rest after {told.rest_s:.1f} s, {len(told.losses)} losses",
        flush=True,
    )
    for loss in told.losses:
        print(f"    {loss}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
