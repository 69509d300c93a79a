"""The scripted service and model do what their scripts say: other tests stand on them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from eval.honest import answer_honestly, pick_quote
from eval.scripted import Call, Failure, Message, Reply, ScriptedChatModel, ScriptedFailureError, Tool
from tests.fakes.openai_server import DIMENSION, OpenAIServer

KEY = "sk-test-0123456789"
ASK: list[Any] = [{"role": "user", "content": "Which model?"}]
ADD: list[Any] = [
    {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(key=KEY) as running:
        yield running


def connect(server: OpenAIServer, **settings: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0, timeout=3, **settings)


def test_completes_with_usage_and_masks_the_key(server: OpenAIServer) -> None:
    server.use([Reply("All is well.", usage=(120, 4))])
    with connect(server) as client:
        said = client.chat.completions.create(model="m", messages=ASK)
    assert said.choices[0].message.content == "All is well."
    assert said.choices[0].finish_reason == "stop"
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.total_tokens) == (120, 124)
    (request,) = server.chats
    assert request.authorized
    assert request.body["messages"] == ASK
    assert request.headers["authorization"] == "***"
    assert KEY not in repr(server.requests)


def test_a_wrong_key_is_refused(server: OpenAIServer) -> None:
    with (
        openai.OpenAI(base_url=server.base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()
    assert not server.requests[0].authorized


def test_streams_text_then_calls_then_usage(server: OpenAIServer) -> None:
    calls = [Call("add", {"a": 1, "b": "x" * 60}, id="call_1"), Call("add", '{"a": broken', id="call_2")]
    server.use([Reply("Let me see, one moment.", calls=calls, piece=10, usage=(9, 5))])
    text, arguments, names, usage, finish = "", {0: "", 1: ""}, [], None, None
    with connect(server) as client:
        stream = client.chat.completions.create(
            model="m", messages=ASK, tools=ADD, stream=True, stream_options={"include_usage": True}
        )
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or ():
                    assert call.function is not None
                    names += [call.function.name] if call.function.name else []
                    arguments[call.index] += call.function.arguments or ""
    assert text == "Let me see, one moment."
    assert names == ["add", "add"]
    assert json.loads(arguments[0]) == {"a": 1, "b": "x" * 60}
    assert arguments[1] == '{"a": broken'
    assert finish == "tool_calls"
    assert usage is not None
    assert usage.total_tokens == 14
    assert server.chats[0].body["tools"] == ADD


def test_no_usage_unless_asked_for(server: OpenAIServer) -> None:
    with connect(server) as client:
        chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_reply_is_an_error_for_the_client(server: OpenAIServer, stream: bool) -> None:
    server.use([Reply("This sentence never comes to its end.", stop_after=2, piece=8)])

    def read(client: openai.OpenAI) -> None:
        said = client.chat.completions.create(model="m", messages=ASK, stream=stream)
        if isinstance(said, openai.Stream):
            list(said)

    with (
        connect(server) as client,
        pytest.raises(Exception, match=r"incomplete|peer closed|Connection") as met,
    ):
        read(client)
    assert not isinstance(met.value, AssertionError)


def test_a_stalled_stream_outlasts_the_client_but_not_the_test(server: OpenAIServer) -> None:
    server.use([Reply("Wait for it.", stop_after=1, stall=30)])
    start = time.monotonic()
    with connect(server) as client, pytest.raises(Exception, match="timed out"):
        list(client.with_options(timeout=0.3).chat.completions.create(model="m", messages=ASK, stream=True))
    assert time.monotonic() - start < 5


def test_failures_keep_their_status_and_headers(server: OpenAIServer) -> None:
    server.use(
        [Failure(429, headers={"Retry-After": "7"}), Failure(500), Failure(200, "{no json"), Reply("Up.")]
    )
    with connect(server) as client:
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="m", messages=ASK)
        assert limited.value.response.headers["retry-after"] == "7"
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="m", messages=ASK)
        with pytest.raises(json.JSONDecodeError):
            client.chat.completions.create(model="m", messages=ASK)
        for _ in range(2):  # the last reply of a list repeats
            assert client.chat.completions.create(model="m", messages=ASK).choices[0].message.content == "Up."


def test_one_token_an_interval(server: OpenAIServer) -> None:
    server.use([Reply("abcdef", piece=1, interval=0.05)])
    with connect(server) as client:
        came = [
            time.monotonic()
            for chunk in client.chat.completions.create(model="m", messages=ASK, stream=True)
            if chunk.choices and chunk.choices[0].delta.content
        ]
    assert len(came) == 6
    assert came[-1] - came[0] > 0.2


def test_lists_models_and_embeds(server: OpenAIServer) -> None:
    server.models = ["one", "two"]
    with connect(server) as client:
        assert [model.id for model in client.models.list()] == ["one", "two"]
        near, far = "a cat on a mat", "quarterly balance sheets"
        given = client.embeddings.create(model="e", input=["a cat on the mat", near, far])
        floats = client.embeddings.create(model="e", input=near, encoding_format="float")
    first, second, third = (item.embedding for item in given.data)
    assert len(first) == DIMENSION
    assert floats.data[0].embedding == pytest.approx(second, abs=1e-6)
    assert sum(a * b for a, b in zip(first, second, strict=True)) > 0.6
    assert sum(a * b for a, b in zip(first, third, strict=True)) < 0.5


def test_embeddings_fail_as_often_as_told() -> None:
    with (
        OpenAIServer(embedding_failures=[Failure(503)]) as server,
        openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client,
    ):
        with pytest.raises(openai.InternalServerError):
            client.embeddings.create(model="e", input="a")
        assert len(client.embeddings.create(model="e", input="a").data) == 1


def test_a_function_sees_the_conversation_and_the_tools(server: OpenAIServer) -> None:
    seen: list[tuple[Sequence[Message], Sequence[Tool]]] = []

    def answer(messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
        seen.append((messages, tools))
        return Reply(f"Turn {len(seen)}.")

    server.use(answer)
    with connect(server) as client:
        client.chat.completions.create(model="m", messages=ASK)
        said = client.chat.completions.create(model="m", messages=ASK, tools=ADD)
    assert said.choices[0].message.content == "Turn 2."
    assert seen == [(ASK, ()), (ASK, ADD)]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def _count(messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
    results = [message["content"] for message in messages if message["role"] == "tool"]
    if not results:
        assert [each["function"]["name"] for each in tools] == ["add"]
        return Reply(calls=[Call("add", {"a": 1, "b": 2}), Call("add", {"a": 3, "b": 4})], piece=3)
    return Reply(f"They make {' and '.join(results)}.", usage=(50, 6))


def test_the_scripted_model_drives_an_agent() -> None:
    model = ScriptedChatModel(script=_count)
    state = create_agent(model, [add]).invoke({"messages": [HumanMessage("Add.")]})
    last = state["messages"][-1]
    assert last.text == "They make 3 and 7."
    assert last.usage_metadata["input_tokens"] == 50
    assert model.calls == 2


def test_the_scripted_model_streams_through_an_agent() -> None:
    model = ScriptedChatModel(script=_count)
    agent = create_agent(model, [add])
    parts = agent.stream({"messages": [HumanMessage("Add.")]}, stream_mode="messages")
    texts = [part.text for part, _ in parts if isinstance(part, AIMessage) and part.text]
    assert "".join(texts) == "They make 3 and 7."


def test_the_scripted_model_sends_broken_arguments_as_invalid_calls() -> None:
    script = [Reply(calls=[Call("add", '{"a": 1,'), Call("add", "[1, 2]"), Call("add", {"a": 1, "b": 1})])]
    whole = ScriptedChatModel(script=script).invoke("Add.")
    assert [call["args"] for call in whole.invalid_tool_calls] == ['{"a": 1,', "[1, 2]"]
    assert [call["args"] for call in whole.tool_calls] == [{"a": 1, "b": 1}]
    streamed = list(ScriptedChatModel(script=script).stream("Add."))
    arguments = "".join(
        str(part["args"]) for chunk in streamed for part in getattr(chunk, "tool_call_chunks", ())
    )
    assert arguments.startswith('{"a": 1,[1, 2]')


@pytest.mark.parametrize("script", [[Failure(500)], [Reply("Half of", stop_after=1, piece=2)]])
def test_the_scripted_model_fails_as_told(script: list[Any]) -> None:
    with pytest.raises(ScriptedFailureError):
        ScriptedChatModel(script=script).invoke("Add.")
    with pytest.raises(ScriptedFailureError):
        list(ScriptedChatModel(script=script).stream("Add."))


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one reply"):
        ScriptedChatModel(script=[])


def test_the_honest_model_looks_up_and_quotes() -> None:
    tools = [{"type": "function", "function": {"name": "search_models"}}]
    first = answer_honestly([{"role": "user", "content": "What is acme/tiny for?"}], tools)
    assert [(call.name, call.arguments) for call in first.calls] == [
        ("read_card", {"model": "acme/tiny", "question": "What is acme/tiny for?"})
    ]
    found = answer_honestly([{"role": "user", "content": "Something for German?"}], tools)
    assert [call.name for call in found.calls] == ["search_models"]
    result = {
        "model": "acme/tiny",
        "facts": {"license": [{"key": "E2", "value": "mit"}]},
        "passages": [{"key": "E1", "text": "# Tiny\nIt shortens [leaflets](x) and letters of any length."}],
    }
    said = answer_honestly(
        [
            {"role": "user", "content": "What is acme/tiny for?"},
            {"role": "assistant", "tool_calls": []},
            {"role": "tool", "content": f"<data>{json.dumps(result)}</data>"},
        ],
        tools,
    )
    assert said.text == (
        "- `acme/tiny`: “(x) and letters of any length.” [E1]\n- `acme/tiny`: its license is mit [E2]"
    )


def test_the_honest_model_says_when_nothing_was_found() -> None:
    messages = [{"role": "user", "content": "?"}, {"role": "tool", "content": '{"error": "no such model"}'}]
    reply = answer_honestly(messages, [])
    assert reply.text == "Nothing in this lake answers that."


def test_quotes_are_verbatim_and_short() -> None:
    passage = "Trained on speech. " * 30
    assert passage.startswith(pick_quote(passage, "a/b"))
    assert len(pick_quote(passage, "a/b")) <= 160
    assert pick_quote("short", "a/b") == ""
