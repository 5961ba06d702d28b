"""How runs of the shipped workflows went in the past: node by node, as their graphs have them."""

from __future__ import annotations

from interlock.core.demo.scripts import Ask, Beat, Script, Step, one

REFUND = Script(
    workflow="refund_desk",
    weight=7,
    input={"requests": [{"customer": "4711", "order": "991", "amount": 620.0}]},
    steps=(
        one("classify", 350, tokens=(46, 1)),
        one(
            "refund/review", 2, asks=Ask(value={"question": "Refund 620.00 EUR to customer 4711?"})
        ),
        one("refund/pay_out", 180, service="payments", fails=0.04, tries=3),
        one("collect", 2),
    ),
    refused=(one("refund/decline", 260, tokens=(52, 30)), one("collect", 2)),
)
SMALL_REFUND = Script(
    workflow="refund_desk",
    weight=14,
    input={"requests": [{"customer": "1207", "order": "1004", "amount": 45.9}]},
    steps=(
        one("classify", 350, tokens=(46, 1)),
        one("refund/pay_out", 180, service="payments", fails=0.04, tries=3),
        one("collect", 2),
    ),
)
_RESEARCH: Step = tuple(
    Beat(path="research", ms=280, tokens=(31, 14), cached=0.35) for _ in range(3)
)
ESSAY = Script(
    workflow="essay_writer",
    weight=3,
    input={"topic": "Why a good control room is quiet", "audience": "engineers"},
    steps=(
        one("plan", 320, tokens=(27, 16)),
        _RESEARCH,
        one("draft", 1500, tokens=(75, 91)),
        one("critique", 160, tokens=(112, 8)),
        one("revise", 1700, tokens=(118, 108)),
        one("critique", 160, tokens=(129, 6)),
        one("review", 1, asks=Ask(value="Publish “Why a good control room is quiet”?")),
        one("publish", 2),
    ),
)
OUTREACH = Script(
    workflow="outreach",
    weight=4,
    input={"messages": [{"role": "user", "content": "Invite our customers in Vienna."}]},
    steps=(
        one("model", 210, tokens=(60, 9)),
        one("tools", 170, cached=0.0),
        one("model", 480, tokens=(160, 31)),
        one(
            "HumanInTheLoopMiddleware.after_model",
            1,
            asks=Ask(value="Send the mails to 3 customers?"),
        ),
        one("tools", 190, service="mail", fails=0.02),
        one("model", 240, tokens=(210, 24)),
    ),
    refused=(one("model", 240, tokens=(190, 18)),),
)

SCRIPTS: tuple[Script, ...] = (REFUND, SMALL_REFUND, ESSAY, OUTREACH)
