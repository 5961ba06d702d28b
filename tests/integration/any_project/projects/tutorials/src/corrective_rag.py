"""Corrective RAG: retrieve, grade, rewrite or generate."""

from typing import Any, Dict, List

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from chat import RuleModel


class GradeDocuments(BaseModel):
    """Binary score for relevance check on retrieved documents."""

    binary_score: str = Field(description="'yes' or 'no'")


class GraphState(TypedDict):
    """
    Represents the state of our graph.

    Attributes:
        question: question
        generation: LLM generation
        web_search: whether to add search
        documents: list of documents
    """

    question: str
    generation: str
    web_search: str
    documents: List[str]


grader = RuleModel(
    rule=lambda m: {"binary_score": "yes" if "agent" in m[-1].content.split("Document:")[1] else "no"}
).with_structured_output(GradeDocuments)
retrieval_grader = ChatPromptTemplate.from_template("{question}\nDocument: {document}") | grader
rag_chain = (
    ChatPromptTemplate.from_template("{question} {context}")
    | RuleModel(rule=lambda m: "Agents have memory.")
    | StrOutputParser()
)


def retrieve(state):
    documents = [Document("agent memory", metadata={"source": 1}), Document("cooking")]
    return {"documents": documents, "question": state["question"]}


def grade_documents(state):
    kept, web_search = [], "No"
    for d in state["documents"]:
        score = retrieval_grader.invoke({"question": state["question"], "document": d.page_content})
        if score.binary_score == "yes":
            kept.append(d)
        else:
            web_search = "Yes"
    return {"documents": kept, "web_search": web_search}


def transform_query(state):
    return {"question": f"better: {state['question']}"}


def web_search(state):
    return {"documents": [*state["documents"], Document(page_content="from the web")]}


def generate(state):
    generation = rag_chain.invoke({"context": state["documents"], "question": state["question"]})
    return {"generation": generation}


def decide_to_generate(state):
    return "transform_query" if state["web_search"] == "Yes" else "generate"


workflow = StateGraph(GraphState)
workflow.add_node("retrieve", retrieve)
workflow.add_node("grade_documents", grade_documents)
workflow.add_node("generate", generate)
workflow.add_node("transform_query", transform_query)
workflow.add_node("web_search_node", web_search)
workflow.add_edge(START, "retrieve")
workflow.add_edge("retrieve", "grade_documents")
workflow.add_conditional_edges(
    "grade_documents",
    decide_to_generate,
    {"transform_query": "transform_query", "generate": "generate"},
)
workflow.add_edge("transform_query", "web_search_node")
workflow.add_edge("web_search_node", "generate")
workflow.add_edge("generate", END)
app = workflow.compile()
