"""The agent with a language model, end to end over a loopback service: what is sent, said and stored."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.agent import Assistant
from assistant.answers import Answer
from assistant.events import Event, Finished, Notice, TextDelta, TextDiscarded, ToolFinished, ToolStarted
from assistant.settings import load_settings
from eval.honest import answer_honestly, make_engine, read_result, read_text
from eval.scripted import Call, Failure, Message, Reply, Tool
from prompts import load_prompt
from tests.fakes.asking import QUESTION, SECRET, Asker, check_answer, make_home
from tests.fakes.cards import CARDS
from tests.fakes.openai_server import OpenAIServer
from tools.lake import Lake

Asks = Callable[..., Assistant]
MODEL = "scripted-model"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("llm"))


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(answer_honestly, key=SECRET, models=[MODEL]) as running:
        yield running


@pytest.fixture
def asker(
    home: Path, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asker:
    made = Asker(home, monkeypatch, capsys)
    made.use(server)
    return made


@pytest.fixture
def make_assistant(home: Path, server: OpenAIServer) -> Iterator[Asks]:
    """Assistants over one open lake, with the service's settings and those of `variables`."""
    with contextlib.ExitStack() as stack:
        lake = stack.enter_context(Lake.open(home, embedder=None, command="test"))

        def make(**variables: str) -> Assistant:
            env = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": SECRET, **variables}
            settings = load_settings({"home": home}, env=env)
            return stack.enter_context(contextlib.closing(Assistant(lake, settings)))

        yield make


def finish(events: Sequence[Event]) -> Answer:
    """The answer, which must be the last event."""
    last = events[-1]
    assert isinstance(last, Finished)
    return last.answer


# -- a turn --------------------------------------------------------------------------------------------


def test_a_turn_of_two_steps_streams_and_is_checked(make_assistant: Asks, server: OpenAIServer) -> None:
    events = list(make_assistant().stream("What is north/letter-summarizer for?"))
    kinds = [type(event) for event in events]
    answer = finish(events)
    # Said, looked up, written piece by piece, checked: in this order.
    assert kinds.index(Notice) < kinds.index(ToolStarted) < kinds.index(ToolFinished) < kinds.index(TextDelta)
    started = next(event for event in events if isinstance(event, ToolStarted))
    finished = next(event for event in events if isinstance(event, ToolFinished))
    assert started.name == "read_card"
    assert started.arguments["model"] == "north/letter-summarizer"
    assert (finished.call, finished.ok) == (started.call, True)
    assert "passage" in finished.found
    pieces = [event.text for event in events if isinstance(event, TextDelta)]
    assert len(pieces) > 3
    assert "".join(pieces) == answer.answer
    assert {statement.level for statement in answer.statements} == {"quoted", "facts"} or {
        statement.level for statement in answer.statements
    } == {"quoted"}
    assert answer.models == ["north/letter-summarizer"]
    assert answer.engine == f"openai:{MODEL}"
    assert answer.evidence
    assert not answer.abstained
    check_answer(answer.model_dump(mode="json"))


def test_words_before_a_tool_call_are_taken_back(make_assistant: Asks, server: OpenAIServer) -> None:
    search = Call("search_models", {"query": "letters"})
    server.use([Reply("Let me look that up for you.", calls=[search]), Reply("Nothing to say.")])
    events = list(make_assistant().stream(QUESTION))
    discarded = next(n for n, event in enumerate(events) if isinstance(event, TextDiscarded))
    before = "".join(event.text for event in events[:discarded] if isinstance(event, TextDelta))
    after = "".join(event.text for event in events[discarded:] if isinstance(event, TextDelta))
    assert before == "Let me look that up for you."
    assert after == finish(events).answer == "Nothing to say."


def test_several_calls_at_once_are_paired_with_their_results(
    make_assistant: Asks, server: OpenAIServer
) -> None:
    reads = [Call("read_card", {"model": model}, id=f"call_{n}") for n, model in enumerate(CARDS)]
    server.use([Reply(calls=reads, piece=5), Reply("Read.")])
    answer = make_assistant().ask(QUESTION)
    assert {tool.arguments["model"] for tool in answer.tools} == set(CARDS)
    sent = server.chats[1].body["messages"]
    results = {
        message["tool_call_id"]: read_result(message)["model"]
        for message in sent
        if message["role"] == "tool"
    }
    assert results == {call.id: call.arguments["model"] for call in reads}  # type: ignore[index]


def test_what_is_stored_with_an_answer(make_assistant: Asks, server: OpenAIServer) -> None:
    server.use([Reply(calls=[Call("describe_lake")], usage=(900, 30)), Reply("Done.", usage=(1500, 4))])
    assistant = make_assistant(LAKE_TEMPERATURE="0.25")
    answer = assistant.ask(QUESTION)
    prompt = load_prompt("assistant")
    for usage in (answer.usage, assistant.turns(answer.thread)[0].answer.usage):
        assert (usage["input_tokens"], usage["output_tokens"]) == (2400, 34)
        assert usage["prompt"] == {
            "name": "assistant",
            "version": prompt.version,
            "sha256": prompt.sha256,
        }
        assert usage["service"] == server.base_url
        assert usage["tool_calls"] == 1
        assert usage["seconds"] > 0
        assert usage["settings"]["temperature"] == 0.25
    assert answer.engine == f"openai:{MODEL}"
    assert SECRET not in answer.model_dump_json()
    assert server.chats[0].body["temperature"] == 0.25


def test_what_is_sent(make_assistant: Asks, server: OpenAIServer) -> None:
    make_assistant().ask("Is there something planted in east/oracle?")
    first, second = server.chats
    assert {request.path for request in server.requests} == {"/v1/models", "/v1/chat/completions"}
    body = first.body
    assert body["model"] == MODEL
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "6 models" in body["messages"][0]["content"]
    names = {tool["function"]["name"] for tool in body["tools"]}
    assert {"search_models", "read_card", "list_results", "trace_lineage"} <= names
    assert all(tool["function"]["description"] for tool in body["tools"])
    # What cards say reaches the model between delimiters, and closes none of them.
    result = read_text(second.body["messages"][-1])
    assert "PWNED" in result
    assert result.startswith("<lake_data>")
    assert result.rstrip().endswith("</lake_data>")
    assert result.count("</lake_data>") == 1
    assert "[INST]" not in result
    assert "<script>" not in result
    # The card's words are no instruction: the system prompt says so, and stays the only one.
    assert [m["role"] for m in second.body["messages"]].count("system") == 1


def test_not_a_streaming_server_is_fine_too(make_assistant: Asks, server: OpenAIServer) -> None:
    """Some proxies answer a request for a stream with one event that holds everything."""
    text = "Hello there."
    server.use([Reply(text, piece=10_000)])
    assert make_assistant().ask(QUESTION).answer == text


# -- which service, which model ------------------------------------------------------------------------


def test_the_address_and_model_are_said_before_the_first_request(
    make_assistant: Asks, server: OpenAIServer
) -> None:
    events = make_assistant().stream(QUESTION)
    first = next(events)
    assert isinstance(first, Notice)
    assert server.base_url in first.text
    assert server.requests == []
    notices = [first.text]
    for event in events:
        if isinstance(event, Notice):
            notices.append(event.text)
            assert server.chats == []
    assert any(MODEL in text and server.base_url in text for text in notices)


@pytest.mark.parametrize("batch", [False, True])
def test_the_command_line_says_it_before_anything_is_sent(
    asker: Asker, server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    errors = io.StringIO()
    said: list[str] = []

    def answer(messages: Sequence[Message], tools: Sequence[Tool]) -> Reply:
        said.append(errors.getvalue())
        return Reply("Hello.")

    server.use(answer)
    monkeypatch.setattr(sys, "stderr", errors)
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": 1, "question": "Hello?"}\n')
    asked = asker.run("ask", *(["--batch", str(questions)] if batch else ["Hello?", "--json"]))
    assert asked.code == 0
    assert server.base_url in said[0]
    assert MODEL in said[0]


def test_a_named_model_is_used_without_asking_for_the_list(asker: Asker, server: OpenAIServer) -> None:
    asker.set(LAKE_MODEL="other-model")
    assert asker.ask().document["engine"] == "openai:other-model"
    assert all(request.path == "/v1/chat/completions" for request in server.requests)
    assert {request.body["model"] for request in server.chats} == {"other-model"}


def test_provider_and_model_by_name(asker: Asker, server: OpenAIServer) -> None:
    asked = asker.ask(QUESTION, "--llm", "openai:by-flag")
    assert asked.document["engine"] == "openai:by-flag"
    assert {request.body["model"] for request in server.chats} == {"by-flag"}


def test_several_models_are_listed_and_one_must_be_chosen(asker: Asker, server: OpenAIServer) -> None:
    server.models = ["first-model", "second-model"]
    asked = asker.ask()
    assert asked.code == 2
    error = asked.document["error"]
    assert "first-model" in error["message"]
    assert "second-model" in error["message"]
    assert "LAKE_MODEL" in error["hint"]
    assert server.chats == []
    readable = asker.run("ask", QUESTION)
    assert readable.code == 2
    assert readable.out == ""
    assert "second-model" in readable.err


def test_a_key_alone_is_enough_for_auto_but_offline_wins(asker: Asker, server: OpenAIServer) -> None:
    for options in (["--llm", "offline"], []):
        asker.set(LAKE_LLM="auto" if options else "offline")
        asked = asker.ask(QUESTION, *options)
        assert asked.document["engine"] == "offline"
        assert "note" not in asked.document["usage"]
    assert server.requests == []


def test_a_locked_lake_sends_nothing(asker: Asker, server: OpenAIServer) -> None:
    try:
        assert asker.run("engine", "--only", "offline").code == 0
        asked = asker.ask()
        assert asked.code == 0
        assert asked.document["engine"] == "offline"
        assert "locked" in asked.document["usage"]["note"]
        for options in (["--llm", "openai:m"], ["--llm", "anthropic:m"]):
            refused = asker.ask(QUESTION, *options)
            assert refused.code == 2
            assert "offline" in refused.document["error"]["message"]
        assert server.requests == []
    finally:
        assert asker.run("engine", "--any").code == 0
    assert asker.ask().document["engine"] == f"openai:{MODEL}"


# -- conversations -------------------------------------------------------------------------------------


def test_a_follow_up_sees_the_turn_before(asker: Asker, server: OpenAIServer) -> None:
    first = asker.ask("What is north/letter-summarizer for?").document
    server.requests.clear()
    server.use([Reply(f"As said [{first['evidence'][0]['id']}].")])
    second = asker.ask("Say it again.", "--thread", first["thread"]).document
    assert second["thread"] == first["thread"]
    sent = server.chats[0].body["messages"]
    assert [message["role"] for message in sent] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert read_text(sent[1]) == "What is north/letter-summarizer for?"
    assert "[E" in read_text(sent[4])
    # The mark of the turn before still stands for its evidence.
    assert [item["id"] for item in second["evidence"]] == [first["evidence"][0]["id"]]
    assert second["evidence"][0] == first["evidence"][0]


def test_engines_may_take_turns_in_one_conversation(asker: Asker, server: OpenAIServer) -> None:
    asker.set(LAKE_LLM="offline")
    first = asker.ask("Which model summarizes business letters?").document
    asker.set(LAKE_LLM="auto")
    server.use([Reply("I see.")])
    second = asker.ask("And now?", "--thread", first["thread"]).document
    assert second["engine"] == f"openai:{MODEL}"
    roles = [message["role"] for message in server.chats[0].body["messages"]]
    assert roles[0] == "system"
    assert roles.count("user") == 2
    asker.set(LAKE_LLM="offline")
    third = asker.ask("What is the licence of the first one?", "--thread", first["thread"]).document
    assert third["engine"] == "offline"
    assert set(third["usage"]) >= {"seconds", "prompt"}


def test_a_long_conversation_is_shortened_but_no_key_is_lost(
    make_assistant: Asks, server: OpenAIServer
) -> None:
    assistant = make_assistant(LAKE_CONTEXT_TOKENS="6000")
    thread = assistant.ask("What is north/letter-summarizer for?").thread
    marked: set[str] = set()
    for model in itertools.islice(itertools.cycle(CARDS), 9):
        answer = assistant.ask(f"What does {model} say of training and limits? {'Please. ' * 60}", thread)
        marked |= {citation.evidence for citation in answer.citations}
    assert len(marked) > 10
    server.requests.clear()
    server.use([Reply("Enough.")])
    assistant.ask("Thank you.", thread)
    body = server.chats[0].body
    text = json.dumps(body["messages"])
    assert len(text) + len(json.dumps(body["tools"])) < 6000 * 4
    assert {key for key in marked if f"{key}]" in text or f'{key}\\"' in text} == marked
    # Calls and results stay in pairs, or services refuse the conversation.
    called = [call["id"] for m in body["messages"] for call in m.get("tool_calls") or ()]
    answered = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
    assert called == answered


def test_a_turn_that_was_stopped_leaves_nothing_behind(make_assistant: Asks, server: OpenAIServer) -> None:
    assistant = make_assistant()
    thread = assistant.ask(QUESTION).thread
    server.use([Reply("word " * 200, piece=5, interval=0.05)])
    events = assistant.stream("Tell me more.", thread)
    with contextlib.closing(events):  # type: ignore[type-var]
        assert any(isinstance(event, TextDelta) for event in events)
    assert [turn.question for turn in assistant.turns(thread)] == [QUESTION]
    server.use([Reply("Hello there.")])
    assert assistant.ask("Are you there?", thread).answer == "Hello there."


# -- when the service fails ----------------------------------------------------------------------------


def test_retry_after_is_waited_for_and_the_answer_comes(asker: Asker, server: OpenAIServer) -> None:
    server.use([Failure(429, headers={"Retry-After": "1"}), Failure(503), Reply("Here I am.")])
    asked = asker.ask()
    assert asked.document["answer"] == "Here I am."
    first, second, _ = (request.at for request in server.chats)
    assert 1.0 <= second - first < 3.0


def test_the_offline_engine_stands_in_and_says_so(asker: Asker, server: OpenAIServer) -> None:
    server.use([Failure(401)])
    asked = asker.ask("Which licence has west/plant-finder?")
    assert asked.code == 0
    answer = asked.document
    assert answer["engine"] == "offline"
    assert "gpl-3.0" in answer["answer"].lower()
    note = answer["usage"]["note"]
    assert "refused the key (401)" in note
    assert note in answer["answer"]
    assert note in asked.err
    # The note is nobody's claim about a model: it is shown, and neither marked nor failed.
    assert answer["unsupported"] == []
    assert len(server.chats) == 1


def test_a_service_that_is_not_there(asker: Asker, server: OpenAIServer) -> None:
    asker.set(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    asked = asker.ask()
    assert asked.code == 0
    assert asked.document["engine"] == "offline"
    assert "127.0.0.1:9" in asked.document["usage"]["note"]


def test_evidence_found_before_the_failure_keeps_its_keys(make_assistant: Asks, server: OpenAIServer) -> None:
    read = Reply(calls=[Call("read_card", {"model": "west/plant-finder"})])
    server.use([read, Failure(400)])
    answer = make_assistant().ask("Which licence has west/plant-finder?")
    assert answer.engine == "offline"
    keys = [item.id for item in [*answer.evidence, *answer.retrieved]]
    assert len(keys) == len(set(keys))
    assert {statement.level for statement in answer.statements} <= {"quoted", "facts", "unchecked"}


# -- secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_the_key_is_in_no_output_and_no_log(
    asker: Asker, server: OpenAIServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {SECRET}.", "code": "x"}})
    server.use([Failure(status, body, {"Retry-After": "0"})])
    caplog.set_level("DEBUG")
    for options in (["--json"], ["--debug"], ["--debug", "--json"]):
        asked = asker.run("ask", QUESTION, *options)  # which looks for the key in both outputs
        assert asked.code == 0
    assert SECRET not in caplog.text
    assert SECRET not in "".join(str(record.__dict__) for record in caplog.records)


def test_the_key_is_not_in_the_home(asker: Asker, home: Path) -> None:
    asker.ask()
    for file in home.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


def test_an_address_with_a_password_is_shown_without_it(asker: Asker, server: OpenAIServer) -> None:
    server.key = None  # behind a proxy that asks for the password
    asker.set(OPENAI_BASE_URL=server.base_url.replace("http://", "http://me:hunter2@"))
    asked = asker.ask()
    assert "hunter2" not in asked.out
    assert "hunter2" not in asked.err
    assert asked.document["engine"] == f"openai:{MODEL}"


def test_a_verified_honest_model_gets_no_failed_statement(make_assistant: Asks) -> None:
    assistant = make_assistant()
    answers = [assistant.ask(f"What does the card of {model} say?") for model in CARDS]
    levels: list[Any] = [statement.level for answer in answers for statement in answer.statements]
    assert len(levels) > 20
    assert "failed" not in levels
    assert "unchecked" not in levels


def test_the_skilled_script_answers_as_the_offline_engine_does(home: Path) -> None:
    with Lake.open(home, embedder=None, command="test") as lake:
        settings = load_settings({"home": home, "llm": "offline"}, env={})
        with (
            contextlib.closing(Assistant(lake, settings)) as plain,
            contextlib.closing(Assistant(lake, settings, engine=make_engine(lake))) as scripted,
        ):
            for question in ("Which model summarizes letters?", "What is the licence of west/plant-finder?"):
                ours, theirs = plain.ask(question), scripted.ask(question)
                assert ours.engine == "offline"
                assert theirs.engine == "scripted"
                assert theirs.abstained == ours.abstained
                assert theirs.models == ours.models[: len(theirs.models)] != []
                assert [item.text for item in theirs.evidence] == [item.text for item in ours.evidence]
                follow_up = "And its licence?"
                again = scripted.ask(follow_up, theirs.thread)
                assert again.models == plain.ask(follow_up, ours.thread).models != []
