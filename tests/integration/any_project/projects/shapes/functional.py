"""The functional API: tasks in parallel, one of which asks."""

import asyncio
from dataclasses import dataclass

from langgraph.func import entrypoint, task
from langgraph.types import RetryPolicy, interrupt
from pydantic import BaseModel

import nested


class Bill(BaseModel):
    to: str
    amount: int


@dataclass
class Receipt:
    to: str
    paid: int


COUNTS: dict[str, int] = {}


@task
def look_up(to: str) -> str:
    COUNTS[to] = COUNTS.get(to, 0) + 1
    return f"account of {to}, looked up {COUNTS[to]} times"


@task
def pay(bill: Bill) -> Receipt:
    amount = bill.amount
    if amount > 9:
        amount = interrupt({"question": f"Pay {bill.to}?", "amount": amount})
    return Receipt(to=bill.to, paid=amount)


@entrypoint()
def pay_all(bills: list[Bill]) -> dict:
    """Pays bills, the large ones after asking."""
    bills = [Bill.model_validate(b) for b in bills]
    accounts = [look_up(b.to) for b in bills]
    receipts = [pay(b) for b in bills]
    return {
        "accounts": [a.result() for a in accounts],
        "receipts": [r.result() for r in receipts],
    }


@task(retry_policy=RetryPolicy(max_attempts=2, initial_interval=0.01))
async def pay_async(to: str, amount: int) -> Receipt:
    await asyncio.sleep(0)
    return Receipt(to, interrupt(f"Pay {amount} to {to}?"))


@entrypoint()
async def pay_all_async(bills: dict[str, int]) -> entrypoint.final[list[Receipt], int]:
    receipts = await asyncio.gather(*(pay_async(to, amount) for to, amount in bills.items()))
    return entrypoint.final(value=list(receipts), save=sum(r.paid for r in receipts))


@entrypoint()
def with_graph(topic: str) -> list[str]:
    return nested.simple.invoke({"topic": topic})["log"]
