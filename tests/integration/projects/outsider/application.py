"""
The other application: bare LangGraph on a checkpoint database of its own, told what to do line by line.

    python application.py DATABASE   # each line of its input a JSON list [verb, graph, thread, value]
"""

from __future__ import annotations

import contextlib
import json
import sys

import graphs
from langgraph.types import Command


def open_saver(database: str):
    if database.startswith("postgresql"):
        from langgraph.checkpoint.postgres import PostgresSaver

        return PostgresSaver.from_conn_string(database)
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver.from_conn_string(database)


def act(graph, verb, thread, value):
    config = {"configurable": {"thread_id": thread}}
    if verb == "run":
        with contextlib.suppress(ValueError):
            graph.invoke(value, config)
    elif verb == "answer":
        graph.invoke(Command(resume=value), config)
    elif verb == "hold":
        graph.invoke(value["input"], config, interrupt_before=value["before"])
    elif verb == "forget":
        graph.checkpointer.delete_thread(thread)
    elif verb == "many":
        for number in range(value["count"]):
            place = {"configurable": {"thread_id": f"{thread}{number:05d}"}}
            graph.invoke(value["input"], place)
    elif verb == "history":
        return [
            [s.config["configurable"]["checkpoint_id"], [task.name for task in s.tasks]]
            for s in graph.get_state_history(config)
        ]
    state = graph.get_state(config)
    return {"values": state.values, "next": state.next, "asked": [i.id for i in state.interrupts]}


def main() -> None:
    with open_saver(sys.argv[1]) as saver:
        saver.setup()
        ready = {}
        for name in ("refund", "report", "secret"):
            ready[name] = getattr(graphs, name).copy({"checkpointer": saver})
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            verb, name, thread, value = json.loads(line)
            print(json.dumps(act(ready[name], verb, thread, value)), flush=True)


main()
