"""From settings to a chat model: what is asked of a service, what is shown, and what is never contacted."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from assistant.engine import Engine
from assistant.llm import announce, connect, disconnect, explain_failure, forbid_tracing, uses_service
from assistant.settings import Settings, load_settings
from eval.scripted import Failure, Reply
from tests.fakes.openai_server import OpenAIServer
from tools.errors import ServiceError, UsageError

KEY = "sk-test-0123456789"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer([Reply("Hello.")], key=KEY) as running:
        yield running


class Reach(Protocol):
    """Connects to a server, or as the settings say; disconnects when the test is over."""

    def __call__(
        self, server: OpenAIServer | None = None, notify: Callable[[str], None] | None = None, **settings: Any
    ) -> Engine: ...


@pytest.fixture
def reach(tmp_path: Path) -> Iterator[Reach]:
    with contextlib.ExitStack() as stack:

        def connect_now(
            server: OpenAIServer | None = None,
            notify: Callable[[str], None] | None = None,
            **settings: Any,
        ) -> Engine:
            if server is not None:
                settings = {"openai_base_url": server.base_url, "openai_api_key": KEY, **settings}
            engine = connect(Settings(home=tmp_path, **settings), notify)
            assert engine is not None
            stack.callback(disconnect, engine)
            return engine

        yield connect_now


@pytest.mark.parametrize("llm", ["auto", "offline"])
def test_nothing_set_means_offline(tmp_path: Path, llm: str) -> None:
    assert connect(Settings(home=tmp_path, llm=llm)) is None


def test_offline_wins_over_a_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, llm="offline", openai_api_key=SecretStr(KEY))
    assert not uses_service(settings)
    assert connect(settings) is None


def test_the_only_model_of_a_service_is_taken_and_said(server: OpenAIServer, reach: Reach) -> None:
    told: list[str] = []
    engine = reach(server, told.append)
    assert (engine.name, engine.model_name) == ("openai:scripted-model", "scripted-model")
    assert engine.service == server.base_url
    assert server.base_url in told[0]
    assert server.base_url in announce(engine)
    assert "scripted-model" in announce(engine)
    assert [request.path for request in server.requests] == ["/v1/models"]


def test_a_named_model_asks_the_service_nothing(server: OpenAIServer, reach: Reach) -> None:
    assert reach(server, model="mine").name == "openai:mine"
    assert reach(server, llm="openai:other").model_name == "other"
    assert server.requests == []


def test_requests_go_to_chat_completions_with_usage_and_key(server: OpenAIServer, reach: Reach) -> None:
    engine = reach(server, model="mine")
    assert "".join(str(chunk.text) for chunk in engine.model.stream("Hi")) == "Hello."
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.authorized
    assert request.body["model"] == "mine"
    assert request.body["temperature"] == 0
    assert request.body["stream_options"] == {"include_usage": True}


def test_a_server_without_keys_needs_none(reach: Reach) -> None:
    with OpenAIServer([Reply("Hello.")]) as server:
        engine = reach(openai_base_url=server.base_url)
        assert engine.model.invoke("Hi").text == "Hello."


def test_several_models_are_listed(server: OpenAIServer, reach: Reach) -> None:
    server.models = ["b-model", "a-model"]
    with pytest.raises(UsageError, match="2 models and none is chosen: a-model, b-model") as caught:
        reach(server)
    assert "LAKE_MODEL" in caught.value.hint


@pytest.mark.parametrize(
    "models",
    [
        Failure(404),
        Failure(200, body="{broken"),
        Failure(200, body='{"data": 3}'),
        Failure(200, body="[]"),
        [],
    ],
)
def test_a_service_that_lists_no_models_needs_a_name(server: OpenAIServer, reach: Reach, models: Any) -> None:
    server.models = models
    with pytest.raises(UsageError, match="does not list its own") as caught:
        reach(server)
    assert "LAKE_MODEL" in caught.value.hint


def test_a_refused_key_while_listing_is_the_services_error(server: OpenAIServer, reach: Reach) -> None:
    with pytest.raises(ServiceError, match="refused the key") as caught:
        reach(server, openai_api_key="sk-wrong-0123")
    assert "wrong" not in str(caught.value)


def test_an_unreachable_service_is_the_services_error(reach: Reach) -> None:
    with OpenAIServer() as server:
        url = server.base_url
    with pytest.raises(ServiceError, match="cannot be reached"):
        reach(openai_base_url=url)


def test_a_redirect_is_not_followed(reach: Reach) -> None:
    with OpenAIServer() as other, OpenAIServer() as server:
        away = Failure(307, headers={"Location": f"{other.base_url}/chat/completions"})
        server.use([away])
        engine = reach(server, model="m")
        with pytest.raises(Exception, match="307") as caught:
            engine.model.invoke("Hi")
        said = explain_failure(caught.value, engine)
        assert said is not None
        assert "not followed" in said
        assert other.requests == []


def test_variables_meant_for_others_redirect_nothing(
    server: OpenAIServer, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer() as other:
        for name in (
            "OPENAI_API_BASE",
            "OPENAI_PROXY",
            "LANGSMITH_GATEWAY_BASE_URL",
            "HTTP_PROXY",
            "ALL_PROXY",
        ):
            monkeypatch.setenv(name, other.base_url)
        for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_GATEWAY"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", other.base_url)
        monkeypatch.setenv("LANGSMITH_API_KEY", "ls-key")
        engine = reach(server, model="m")
        assert engine.model.invoke("Hi").text == "Hello."
        assert other.requests == []
    assert len(server.chats) == 1


def test_tracing_stays_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from langsmith.utils import tracing_is_enabled

    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    forbid_tracing()
    assert tracing_is_enabled() is False


def test_addresses_are_shown_without_secrets(reach: Reach) -> None:
    engine = reach(model="m", openai_base_url="http://me:pass-word@127.0.0.1:9/v1/?token=abcdef")
    assert engine.service == "http://127.0.0.1:9/v1"


def test_openai_without_a_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key") as caught:
        connect(Settings(home=tmp_path, llm="openai:gpt-x"))
    assert "OPENAI_API_KEY" in caught.value.hint


def test_another_provider_needs_its_package(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'mistralai'") as caught:
        connect(Settings(home=tmp_path, llm="mistralai:small"))
    assert "pip install langchain-mistralai" in caught.value.hint


def test_an_unknown_provider_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nobody:model'"):
        connect(Settings(home=tmp_path, llm="nobody:model"))


def test_the_key_is_nowhere_in_logs_and_messages(
    server: OpenAIServer, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = reach(server, model="m")
    echo = '{"error": {"message": "Wrong key ' + KEY + ' given, or Bearer abcdefgh1234"}}'
    server.use([Failure(400, body=echo)])
    with pytest.raises(Exception, match="400") as caught:
        engine.model.invoke("Hi")
    said = explain_failure(caught.value, engine)
    assert said is not None
    assert "rejected the request" in said
    assert KEY not in said
    assert "abcdefgh1234" not in said
    assert KEY not in caplog.text
    assert KEY not in repr(engine)


def test_limits_and_embedder_are_settings(tmp_path: Path) -> None:
    toml = tmp_path / "c.toml"
    toml.write_text('embedder = "openai:m"\nmax_seconds = 5\n', encoding="utf-8")
    settings = load_settings({}, {"LAKE_MAX_TOOL_CALLS": "3", "GRADIO_SERVER_PORT": "80"}, toml)
    assert (settings.embedder, settings.max_seconds) == ("openai:m", 5)
    assert (settings.max_tool_calls, settings.server_port) == (3, 80)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"LAKE_EMBEDDER": "ada"}, "openai:MODEL"),
        ({"LAKE_AUTH": "nopassword"}, "USER:PASSWORD"),
        ({"LAKE_MAX_SECONDS": "0"}, "LAKE_MAX_SECONDS"),
        ({"GRADIO_SERVER_PORT": "99999"}, "GRADIO_SERVER_PORT"),
    ],
)
def test_wrong_settings_get_one_line(env: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load_settings({}, env)
    assert "nopassword" not in str(caught.value)
