"""The middleware around a language model: limits, deadlines, retries, repairs, trimming."""

from __future__ import annotations

import contextvars
import json
import logging
import queue
import random
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, SystemMessage, ToolCall
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.errors import GraphBubbleUp

from assistant.engine import Engine
from assistant.llm.failures import (
    LimitReachedError,
    ModelServiceError,
    TurnStoppedError,
    UnusableModelError,
    describe_failure,
    is_transient,
    read_message,
    read_retry_after,
    read_status,
)
from assistant.llm.limits import Limits
from assistant.llm.presenting import count_message_tokens, present_messages
from assistant.llm.repairing import Reply, repair_reply
from assistant.llm.tokens import count_tokens

log = logging.getLogger(__name__)

_RETRIES = 2
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 8.0  # seconds
_POLL = 0.05  # seconds between looks at the stop button
_REPAIRS = 2
_LAST_SHARE = 1 / 3  # of the time: when less is left, the model is asked to answer
_ENOUGH = (
    "No more tool calls can be made in this turn. Answer now from the tool results above, and say what could "
    "not be looked up."
)
# What a service may refuse though others want it: (word in its message, the field that leaves it out).
_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("temperature", {"temperature": None}),
    ("stream_options", {"stream_usage": False}),
    ("include_usage", {"stream_usage": False}),
)
# How services say that a request is longer than the model's context.
_CONTEXT = re.compile(r"(?i)context (?:length|size|window)|maximum context|too many tokens|too long")
_LEAST_CONTEXT = 2000

Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]


class TurnGuard(AgentMiddleware[Any, Any]):
    """Watches one turn; made anew for each. `stopped` is set when the person stops it.

    Raises LimitReachedError, UnusableModelError, ModelServiceError or TurnStoppedError out of the agent.
    """

    def __init__(self, limits: Limits, engine: Engine, stopped: threading.Event | None = None) -> None:
        super().__init__()
        self._limits = limits
        self._engine = engine
        self._stopped = stopped or threading.Event()
        self._deadline = time.monotonic() + limits.seconds
        self._left_out: dict[str, Any] = {}
        self._context_tokens = limits.context_tokens
        self._tools_tokens: int | None = None
        self._model_calls = 0
        self._tool_calls = 0
        self._tokens = 0
        self._repairs = 0
        self._made: set[tuple[str, str]] = set()

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """One call of the model, and what comes of it: an answer, or tool calls that can be run."""
        last = self._begin_call(self._measure(self._fit(request)))
        if last:
            request = _forbid_tools(request)
        message = self._call(request, handler)
        tools = {tool.name: tool for tool in request.tools if isinstance(tool, BaseTool)}
        reply = repair_reply(message, tools, _list_call_ids(request.messages))
        if reply.message.tool_calls and last:
            raise LimitReachedError("The language model kept calling tools and wrote no answer.")
        if reply.broken:
            self._repairs += 1
            if self._repairs > _REPAIRS:
                raise UnusableModelError(
                    f"The language model sent tool calls that cannot be used, {self._repairs} times."
                )
        self._refuse_too_many(reply)
        return ModelResponse(result=[reply.message, *reply.refused])

    def _begin_call(self, sent: int) -> bool:
        """Count a call of about `sent` tokens; whether it is the last, so that it must be an answer."""
        limits, left = self._limits, self._deadline - time.monotonic()
        self._check_time()
        if self._model_calls >= limits.model_calls or self._tokens + sent > limits.tokens:
            raise LimitReachedError("The language model used up the calls or tokens of one turn.")
        self._model_calls += 1
        return (
            self._model_calls == limits.model_calls
            or self._tool_calls >= limits.tool_calls
            or self._tokens + 2 * sent > limits.tokens
            or (self._model_calls > 1 and left < limits.seconds * _LAST_SHARE)
        )

    def _fit(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The request within the budget of its context."""
        budget = self._context_tokens - self._measure_head(request)
        fitted: list[Any] = [*present_messages(request.messages, budget, self._count)]
        return request.override(messages=fitted)

    def _measure(self, request: ModelRequest[Any]) -> int:
        return self._measure_head(request) + count_message_tokens(request.messages, self._count)

    def _measure_head(self, request: ModelRequest[Any]) -> int:
        """Tokens of the system prompt and the declared tools."""
        if self._tools_tokens is None:  # the tools of a turn do not change
            declared = json.dumps([convert_to_openai_tool(tool) for tool in request.tools])
            self._tools_tokens = self._count(declared)
        return self._count(request.system_prompt or "") + self._tools_tokens

    def _count(self, text: str) -> int:
        return count_tokens(text, self._engine.model_name)

    def _note_usage(self, message: AIMessage, sent: int) -> None:
        usage = message.usage_metadata
        counted = int(usage.get("total_tokens") or 0) if usage else 0
        self._tokens += counted or sent + count_message_tokens([message], self._count)

    def _call(self, request: ModelRequest[Any], handler: Handler) -> AIMessage:
        """The model's reply. Tries again what may pass, as long as nothing was streamed and time is left."""
        delays = 0
        while True:
            watch = _Watch(self._limits.reply_characters)
            model = request.model.model_copy(update={"callbacks": [watch], **self._left_out})
            fitted = self._fit(request).override(model=model)
            try:
                response = self._run(partial(handler, fitted), watch)
            except (GraphBubbleUp, LimitReachedError, TurnStoppedError):
                raise
            except Exception as error:  # the service's boundary: clients raise whatever they like
                if self._adapt(error, request.model):
                    continue
                delay = self._find_delay(error, delays) if not watch.characters else None
                if delay is None:
                    raise self._name_failure(error) from error
                delays += 1
                log.info("asking the language model again in %.1f s", delay)
                self._wait(delay)
                continue
            message = response.result[-1]
            assert isinstance(message, AIMessage)
            if len(str(message.text)) > self._limits.reply_characters:
                raise watch.too_long()
            if self._engine.name.startswith("openai:") and not message.response_metadata.get("finish_reason"):
                raise ModelServiceError(
                    f"The language model's service ({self._engine.service}) broke off in the middle of its "
                    "reply."
                )
            self._note_usage(message, self._measure(fitted))
            return message

    def _run(self, call: Callable[[], ModelResponse[Any]], watch: _Watch) -> ModelResponse[Any]:
        """Run a call in a thread of its own, which is left behind when time is up or the turn is stopped.

        No client can be relied upon to end in time by itself: a server may stall, or send a byte a minute.
        """
        outcome: queue.SimpleQueue[tuple[ModelResponse[Any] | None, BaseException | None]] = (
            queue.SimpleQueue()
        )
        context = contextvars.copy_context()

        def work() -> None:
            try:
                outcome.put((context.run(call), None))
            except BaseException as error:  # noqa: BLE001 - handed on to the thread that waits
                outcome.put((None, error))

        threading.Thread(target=work, name="language-model", daemon=True).start()
        try:
            while True:
                self._check_time()
                try:
                    response, error = outcome.get(timeout=_POLL)
                except queue.Empty:
                    continue
                if error is not None:
                    raise error
                assert response is not None
                return response
        finally:
            watch.abandoned.set()

    def _check_time(self) -> None:
        if self._stopped.is_set():
            raise TurnStoppedError("The turn was stopped.")
        if time.monotonic() >= self._deadline:
            raise LimitReachedError(f"The language model took more than {self._limits.seconds:g} seconds.")

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check_time()
            self._stopped.wait(min(left, _POLL))

    def _find_delay(self, error: Exception, delays: int) -> float | None:
        """Seconds to wait before trying again, or None when that is of no use."""
        if delays >= _RETRIES or not is_transient(error):
            return None
        asked = read_retry_after(error)
        backoff = min(_FIRST_DELAY * 2**delays, _LONGEST_DELAY) * random.uniform(0.75, 1.0)  # noqa: S311
        delay = backoff if asked is None else asked
        return delay if time.monotonic() + delay < self._deadline else None

    def _name_failure(self, error: Exception) -> ModelServiceError:
        said = describe_failure(error, self._engine) or (
            f"The language model's service ({self._engine.service}) sent a reply that cannot be read "
            f"({type(error).__name__})."
        )
        # Without the error itself, in whose text a service may repeat the key.
        log.warning("%s (%s)", said, type(error).__name__)
        return ModelServiceError(said)

    def _adapt(self, error: Exception, model: BaseChatModel) -> bool:
        """Whether the service refused what can be left out: an option, or some of a long conversation."""
        if read_status(error) not in (400, 413, 422):
            return False
        said = read_message(error, self._engine)
        if _CONTEXT.search(said) and self._context_tokens > _LEAST_CONTEXT:
            self._context_tokens = max(_LEAST_CONTEXT, self._context_tokens // 2)
            return True
        for word, update in _OPTIONS:
            fresh = {k: v for k, v in update.items() if hasattr(model, k) and k not in self._left_out}
            if word in said and fresh:
                self._left_out |= fresh
                return True
        return False

    def _refuse_too_many(self, reply: Reply) -> None:
        """Answer calls beyond the limits, and those that were run in this turn already."""
        room = min(self._limits.parallel_calls, self._limits.tool_calls - self._tool_calls)
        left_out: list[ToolCall] = []
        for call in reply.runnable:
            spelled = (call["name"], json.dumps(call["args"], sort_keys=True, default=str))
            if spelled in self._made:
                hint = "Its result stands above; answer from it, or call with other arguments."
                reply.refuse(call, "This call was already made in this turn.", hint)
            elif room <= 0:
                left_out.append(call)
            else:
                room -= 1
                self._tool_calls += 1
                self._made.add(spelled)
        if left_out:
            # One of them stands for all, so that forty calls do not fill the conversation.
            hint = f"At most {self._limits.parallel_calls} at once, {self._limits.tool_calls} in a turn."
            reply.refuse(left_out[0], f"{len(left_out)} calls were not run: there were too many.", hint)
            reply.drop(left_out[1:])


class _Watch(BaseCallbackHandler):
    """Breaks a stream off when nobody waits for it any more, or when it does not end."""

    raise_error = True
    run_inline = True

    def __init__(self, most: int) -> None:
        self.abandoned = threading.Event()
        self.characters = 0
        self._most = most

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        **_: Any,
    ) -> None:
        """Count what came; raises LimitReachedError or TurnStoppedError into the stream."""
        if self.abandoned.is_set():
            raise TurnStoppedError("Nobody waits for this reply any more.")
        self.characters += len(str(token))
        message = getattr(chunk, "message", None)
        for part in getattr(message, "tool_call_chunks", ()):
            self.characters += len(part.get("args") or "") + len(part.get("name") or "")
        if self.characters > self._most:
            raise self.too_long()

    def too_long(self) -> LimitReachedError:
        return LimitReachedError(f"The language model's reply has more than {self._most:,} characters.")


def _forbid_tools(request: ModelRequest[Any]) -> ModelRequest[Any]:
    """Ask for an answer. The tools stay declared, because some services want those of earlier calls."""
    system = f"{request.system_prompt or ''}\n\n{_ENOUGH}".strip()
    choice = "none" if hasattr(request.model, "openai_api_base") else None
    return request.override(system_message=SystemMessage(system), tool_choice=choice)


def _list_call_ids(messages: list[Any]) -> set[str]:
    return {
        str(call["id"])
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    }
