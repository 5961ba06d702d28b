"""One process of eight threads that each ask a cache for the same keys: `python cache_counting.py URL KEYS`."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

from interlock.core.clock import FrozenClock
from interlock.core.model.caches import Asked, Place
from interlock.core.queue.local import LocalQueue
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import engine as engines
from interlock.core.worker.caches import Caches

NODE = Place("quotes", "price")


def main(url: str, keys: list[str]) -> None:
    clock = FrozenClock(datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    engine = engines.open_engine(url)
    caches = Caches(App(settings=Settings(), engine=engine, queue=LocalQueue(), clock=clock))
    hits: list[bool] = []

    def work() -> None:
        for key in keys:
            asked = Asked(place=NODE, namespace="shared", key=key)
            found = caches.find(asked)
            if found is None:
                caches.miss(NODE)
                caches.keep(asked, "msgpack", b"v", cost_ms=1.0, clears=caches.clears)
            hits.append(found is not None)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    caches.close()
    engine.dispose()
    print(sum(hits), len(hits))


main(sys.argv[1], sys.argv[2].split(","))
