"""Plan-and-execute."""

import operator
from typing import Annotated, List, Literal, Tuple, Union

from langchain_core.prompts import ChatPromptTemplate
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from chat import RuleModel


class PlanExecute(TypedDict):
    input: str
    plan: List[str]
    past_steps: Annotated[List[Tuple], operator.add]
    response: str


class Plan(BaseModel):
    """Plan to follow in future"""

    steps: List[str] = Field(description="different steps to follow, should be in sorted order")


class Response(BaseModel):
    """Response to user."""

    response: str


class Act(BaseModel):
    """Action to perform."""

    action: Union[Response, Plan] = Field(description="Action to perform.")


planner_prompt = ChatPromptTemplate.from_messages(
    [("system", "For the given objective, come up with a simple step by step plan."), ("placeholder", "{messages}")]
)
planner = planner_prompt | RuleModel(
    rule=lambda messages: {"steps": ["find the winner", "find the hometown"]}
).with_structured_output(Plan)


def replan(messages: list) -> Act:
    text = messages[-1].content
    done = text.count("('")
    if done >= 2:
        return Act(action=Response(response="Salt Lake City"))
    return Act(action=Plan(steps=["find the hometown"]))


replanner_prompt = ChatPromptTemplate.from_template(
    "Your objective was this:\n{input}\n\nYour original plan was this:\n{plan}\n\n"
    "You have currently done the follow steps:\n{past_steps}\n"
)
replanner = replanner_prompt | RuleModel(rule=replan).with_structured_output(Act)


async def execute_step(state: PlanExecute):
    task = state["plan"][0]
    return {"past_steps": [(task, f"did {task}")]}


async def plan_step(state: PlanExecute):
    plan = await planner.ainvoke({"messages": [("user", state["input"])]})
    return {"plan": plan.steps}


async def replan_step(state: PlanExecute):
    output = await replanner.ainvoke(state)
    if isinstance(output.action, Response):
        return {"response": output.action.response}
    else:
        return {"plan": output.action.steps}


def should_end(state: PlanExecute) -> Literal["agent", "__end__"]:
    if "response" in state and state["response"]:
        return END
    else:
        return "agent"


workflow = StateGraph(PlanExecute)
workflow.add_node("planner", plan_step)
workflow.add_node("agent", execute_step)
workflow.add_node("replan", replan_step)
workflow.add_edge(START, "planner")
workflow.add_edge("planner", "agent")
workflow.add_edge("agent", "replan")
workflow.add_conditional_edges("replan", should_end, ["agent", END])
app = workflow.compile()
