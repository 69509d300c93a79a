"""A chat model that says what a script tells it to, in place of one with weights: for tests and figures.

A script is a list of replies (the last one repeats) or a function of the conversation. The same scripts drive
`ScriptedChatModel` in this process and the loopback server of `tests/fakes`, so messages and tools have the
shape of OpenAI's chat completions.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, PrivateAttr

Message = Mapping[str, Any]
Tool = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. `arguments` as text are sent as they are, so that they may be broken."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str = ""

    @property
    def arguments_text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, and how it arrives.

    Streams go out in pieces of `piece` characters, `interval` seconds apart, the first after `wait` seconds.
    After `stop_after` pieces a stream is cut, or stalls for `stall` seconds before that; None lets it end.
    `usage` is (tokens in, tokens out); None sends no usage at all, as some servers do.
    """

    text: str | None = ""
    calls: Sequence[Call] = ()
    finish: str | None = None  # default: "tool_calls" with calls, else "stop"
    refusal: str | None = None
    reasoning: str | None = None  # sent as `reasoning_content`, as vLLM and llama.cpp do
    usage: tuple[int, int] | None = (11, 7)
    piece: int = 24
    interval: float = 0.0
    wait: float = 0.0
    stop_after: int | None = None
    stall: float = 0.0

    @property
    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.calls else "stop")


@dataclass(frozen=True, slots=True)
class Failure:
    """The service answers with an HTTP status, or with a body that is no chat completion."""

    status: int = 500
    body: str | None = None  # None: an error object as OpenAI sends it
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def text(self) -> str:
        if self.body is not None:
            return self.body
        names = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
        error = {"message": f"The scripted service answers with {self.status}.", "type": "scripted",
                 "param": None, "code": names.get(self.status, "server_error")}  # fmt: skip
        return json.dumps({"error": error})


Answering = Reply | Failure
Script = Sequence[Answering] | Callable[[Sequence[Message], Sequence[Tool]], Answering]


class ScriptedFailureError(RuntimeError):
    """A scripted `Failure` where no HTTP stands between the model and its caller."""


class ScriptReader:
    """Reads a script, one answer a call; several threads may read."""

    def __init__(self, script: Script) -> None:
        if not callable(script) and not script:
            raise ValueError("A script needs at least one reply.")
        self._script = script
        self._lock = threading.Lock()
        self.calls = 0

    def next(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Answering:
        """The answer to this call; past a list's end, its last reply again."""
        with self._lock:
            number, self.calls = self.calls, self.calls + 1
        if callable(self._script):
            return self._script(messages, tools)
        return self._script[min(number, len(self._script) - 1)]


def split_text(text: str, piece: int) -> list[str]:
    """`text` in pieces of `piece` characters."""
    return [text[start : start + piece] for start in range(0, len(text), max(piece, 1))]


class ScriptedChatModel(BaseChatModel):
    """Drives LangChain's agent by a script, streaming or not. Cut streams end in an error, as online."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    script: Any  # Script; pydantic shall not copy or validate a sequence of dataclasses
    name: str | None = "scripted"
    _reader: ScriptReader = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._reader = ScriptReader(self.script)

    @property
    def calls(self) -> int:
        """How often the model was called."""
        return self._reader.calls

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **_: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._next(messages, kwargs)
        time.sleep(reply.wait)
        if reply.stop_after is not None:
            raise ScriptedFailureError("The scripted reply breaks off.")
        message = AIMessage(
            content=reply.text or "",
            usage_metadata=_describe_usage(reply),
            response_metadata={"finish_reason": reply.finish_reason, "model_name": "scripted"},
            additional_kwargs={"refusal": reply.refusal} if reply.refusal else {},
        )
        for call in reply.calls:
            key = call.id or make_call_id()
            try:
                arguments = json.loads(call.arguments_text)
            except ValueError as error:
                arguments, said = None, str(error)
            else:
                said = "The arguments are no object."
            if isinstance(arguments, dict):
                message.tool_calls.append(tool_call(name=call.name, args=arguments, id=key))
            else:
                message.invalid_tool_calls.append(
                    invalid_tool_call(name=call.name, args=call.arguments_text, id=key, error=said)
                )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self._next(messages, kwargs)
        time.sleep(reply.wait)
        for number, chunk in enumerate(_list_chunks(reply)):
            if reply.stop_after is not None and number >= reply.stop_after:
                time.sleep(reply.stall)
                raise ScriptedFailureError("The scripted stream breaks off.")
            if run_manager is not None:
                run_manager.on_llm_new_token(str(chunk.text), chunk=ChatGenerationChunk(message=chunk))
            yield ChatGenerationChunk(message=chunk)
            time.sleep(reply.interval)

    def _next(self, messages: list[BaseMessage], kwargs: Mapping[str, Any]) -> Reply:
        said = convert_to_openai_messages(messages)
        answer = self._reader.next(said if isinstance(said, list) else [said], kwargs.get("tools", ()))
        if isinstance(answer, Failure):
            raise ScriptedFailureError(f"The scripted service answers with {answer.status}.")
        return answer


def make_call_id() -> str:
    """A new tool-call id, in the form that OpenAI's service gives."""
    return f"call_{uuid.uuid4().hex[:24]}"


def _list_chunks(reply: Reply) -> Iterator[AIMessageChunk]:
    for part in split_text(reply.text or "", reply.piece):
        yield AIMessageChunk(content=part)
    for index, call in enumerate(reply.calls):
        key = call.id or make_call_id()
        yield _chunk_call(tool_call_chunk(name=call.name, args="", id=key, index=index))
        for part in split_text(call.arguments_text, reply.piece):
            yield _chunk_call(tool_call_chunk(name=None, args=part, id=None, index=index))
    last: Literal["last"] = "last"
    yield AIMessageChunk(
        content="",
        chunk_position=last,
        usage_metadata=_describe_usage(reply),
        response_metadata={"finish_reason": reply.finish_reason, "model_name": "scripted"},
        additional_kwargs={"refusal": reply.refusal} if reply.refusal else {},
    )


def _chunk_call(chunk: ToolCallChunk) -> AIMessageChunk:
    return AIMessageChunk(content="", tool_call_chunks=[chunk])


def _describe_usage(reply: Reply) -> UsageMetadata | None:
    if reply.usage is None:
        return None
    given, written = reply.usage
    return UsageMetadata(input_tokens=given, output_tokens=written, total_tokens=given + written)
