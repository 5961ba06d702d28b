"""Stands in for a chat model: answers by rules instead of calling anybody."""

import itertools
from typing import Any, Callable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda

ids = itertools.count(1)


def tool_call(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{next(ids)}"}])


class RuleModel(BaseChatModel):
    rule: Callable[[list], Any]

    @property
    def _llm_type(self) -> str:
        return "rules"

    def bind_tools(self, tools: Any, **_: Any):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        answer = self.rule(messages)
        message = AIMessage(answer) if isinstance(answer, str) else answer
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(self, schema: Any, **_: Any):
        def parse(given):
            messages = given.to_messages() if hasattr(given, "to_messages") else given
            found = self.rule(messages)
            return schema(**found) if isinstance(found, dict) else found

        return RunnableLambda(parse)
