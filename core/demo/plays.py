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
            "refund/review",
            2,
            asks=Ask(value={"question": "Refund 620.00 EUR to customer 4711?", "amount": 620.0}),
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


def _help_desk(message: str, *steps: Step, weight: int) -> Script:
    """A message that the help desk sorts, deals with in these steps, and files away."""
    sorted_first = (one("take_in", 3), one("talk/sort", 24, tokens=(28, 1)))
    return Script(
        workflow="help_desk",
        weight=weight,
        input={"message": message},
        steps=(*sorted_first, *steps, one("file_away", 6)),
        variants=(("brief", 1), ("warm", 1)),
    )


HELP_QUESTION = _help_desk(
    "How long does a refund take?",
    one("talk/question/look_up", 90, service="knowledge", fails=0.01, tries=3, cached=0.4),
    one("talk/question/answer", 700, tokens=(62, 42), cached=0.3),
    weight=14,
)
HELP_BILLING = _help_desk(
    "Please credit the late fee on invoice INV-2041.",
    one("talk/billing/open_case", 3),
    one("talk/billing/agent/model", 170, tokens=(52, 12)),
    one("talk/billing/agent/tools", 160, fails=0.03),
    one("talk/billing/agent/model", 260, tokens=(88, 19)),
    one("talk/billing/close_case", 2),
    weight=7,
)
HELP_TECHNICAL = _help_desk(
    "Sync fails with error 504 on all 40 devices since the upgrade.",
    one("talk/technical/gauge", 22, tokens=(31, 1)),
    one("talk/technical/expert", 640, tokens=(31, 31)),
    weight=6,
)
_ANALYST: tuple[Step, ...] = (
    one("analyst/model", 130, tokens=(97, 11)),
    tuple(Beat(path="analyst/tools", ms=155, service="market", fails=0.01) for _ in range(5)),
    one("analyst/model", 210, tokens=(140, 26)),
    one("propose", 3),
)
_FETCH: Step = tuple(
    Beat(path="fetch", ms=160, service="market", fails=0.02, tries=3) for _ in range(3)
)
MARKET = Script(
    workflow="market_data",
    weight=9,
    input={"shares": 30, "also": [], "budget_eur": 0},
    steps=(
        one("plan", 1),
        _FETCH,
        one("collect", 4),
        one("brief", 2),
        *_ANALYST,
        one("report", 2),
    ),
)
TRADE = Script(
    workflow="market_data",
    weight=4,
    input={"shares": 20, "also": [], "budget_eur": 20_000},
    steps=(
        one("plan", 1),
        _FETCH,
        one("collect", 4),
        one("brief", 2),
        *_ANALYST,
        one("trade/release", 2, asks=Ask(value={"question": "Buy 12 shares for 18,400 EUR?"})),
        one("trade/execute", 160, service="market", fails=0.02),
        one("report", 2),
    ),
    refused=(one("trade/stop", 2), one("report", 2)),
)


def _archivist(graph: str) -> tuple[Step, ...]:
    """One turn of the research team's agent with its tool, and its answer."""
    agent = f"{graph}/archivist"
    return (
        one(f"{graph}/scope", 400, tokens=(19, 23)),
        one(f"{agent}/model", 160, tokens=(77, 14)),
        one(f"{agent}/tools", 480, fails=0.02),
        one(f"{agent}/model", 220, tokens=(120, 22)),
        one(f"{graph}/gather", 3),
    )


NEWSROOM = Script(
    workflow="newsroom",
    weight=4,
    input={"subject": "Night trams at weekends", "readers": "commuters"},
    steps=(
        one("open_story", 1),
        one("editor", 19, tokens=(41, 1)),
        *_archivist("researcher"),
        one("editor", 19, tokens=(64, 1)),
        one("writer", 1150, tokens=(77, 71)),
        one("editor", 19, tokens=(81, 1)),
        one("reviewer", 170, tokens=(92, 10)),
        one("editor", 19, tokens=(93, 1)),
        one("writer", 1150, tokens=(97, 78)),
        one("editor", 19, tokens=(95, 1)),
        one("reviewer", 170, tokens=(99, 9)),
        one("editor", 19, tokens=(99, 1)),
        one("picture_desk", 150),
        one("publish", 1),
    ),
)
PRODUCT = Script(
    workflow="product_launch",
    weight=3,
    input={},
    steps=(
        one("orchestrator", 620, tokens=(29, 30)),
        *_archivist("market_research"),
        one("marketing/lead", 210, tokens=(39, 13)),
        tuple(Beat(path="marketing/worker", ms=235, tokens=(36, 12)) for _ in range(3)),
        one("marketing/report", 520, tokens=(49, 28)),
        one("operations/lead", 120, tokens=(45, 7)),
        tuple(Beat(path="operations/worker", ms=235, tokens=(33, 11)) for _ in range(2)),
        one("operations/report", 290, tokens=(36, 16)),
        one("plan", 1600, tokens=(116, 97)),
        one("go_ahead", 2, asks=Ask(value={"question": "Announce the launch?"})),
        one("launch", 2),
    ),
)
CONTRACT = Script(
    workflow="contract_signoff",
    weight=4,
    input={"supplier": "Nordlicht GmbH", "value_eur": 48_000.0},
    steps=(
        one("open", 2),
        one("write/draft", 1000, tokens=(36, 57)),
        one("write/check", 4),
        one("write/redraft", 1350, tokens=(102, 87)),
        one("write/check", 4),
        one(
            "sign_off",
            3,
            asks=Ask(value={"question": "Does legal approve it?", "approver": "Ida Frost"}),
        ),
        one("sign", 3),
        one("send", 170, service="mail", fails=0.01),
    ),
)
RELEASE = Script(
    workflow="release_train",
    weight=5,
    input={"service": "shop", "version": "4.2.0"},
    steps=(
        one("write_notes", 450, tokens=(32, 21)),
        one("build", 165),
        one("hold", 2, asks=Ask(value={"question": "Let shop 4.2.0 go to production?"})),
        one("migrate", 175),
        one("deploy/attempt", 155, service="deployment", fails=0.03),
        one("verify", 155),
        one("announce", 2),
    ),
)
PRESCRIPTION = Script(
    workflow="prescription_check",
    weight=4,
    input={},
    steps=(
        one("receive", 2),
        (
            Beat(path="check_dose", ms=2),
            Beat(path="check_interactions", ms=2),
            Beat(path="check_allergies", ms=2),
        ),
        one("weigh", 1),
        one("explain", 700, tokens=(47, 37)),
        one("review", 2, asks=Ask(value={"question": "Dispense as prescribed?"})),
        one("dispense", 155),
    ),
)
MEMORY = Script(
    workflow="customer_memory",
    weight=3,
    input={},
    steps=(one("gather", 4), one("distil", 22, tokens=(37, 1)), one("remember", 2)),
)

SCRIPTS: tuple[Script, ...] = (
    REFUND,
    SMALL_REFUND,
    ESSAY,
    OUTREACH,
    HELP_QUESTION,
    HELP_BILLING,
    HELP_TECHNICAL,
    MARKET,
    TRADE,
    NEWSROOM,
    PRODUCT,
    CONTRACT,
    RELEASE,
    PRESCRIPTION,
    MEMORY,
)
