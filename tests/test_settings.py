"""Where settings come from, which source wins, and what wrong ones get."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from assistant.settings import Settings, load_settings
from tools.errors import UsageError


def _toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_flag_beats_environment_beats_toml_beats_default(tmp_path: Path) -> None:
    toml = _toml(tmp_path, 'llm = "from:toml"\nmodel = "m-toml"\nhome = "/toml"\n')
    env = {"LAKE_LLM": "from:env", "LAKE_HOME": "/env"}
    settings = load_settings({"home": Path("/flag"), "llm": None}, env, toml)
    assert settings.home == Path("/flag")
    assert settings.llm == "from:env"
    assert settings.model == "m-toml"
    assert settings.chroma_url is None


def test_defaults_without_any_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    settings = load_settings({}, {})
    assert settings.llm == "auto"
    assert settings.home.name == "model-lake"
    assert settings.debug is False


def test_lake_config_names_the_file_and_relative_paths_are_beside_it(tmp_path: Path) -> None:
    toml = _toml(tmp_path, 'home = "my-lake"\n')
    assert load_settings({}, {"LAKE_CONFIG": str(toml)}).home == tmp_path / "my-lake"


def test_empty_variable_counts_as_not_set() -> None:
    assert load_settings({}, {"LAKE_LLM": " ", "LAKE_CONFIG": ""}).llm == "auto"


def test_settings_are_frozen_and_closed() -> None:
    settings = load_settings({}, {})
    with pytest.raises(ValidationError):
        settings.llm = "offline"
    with pytest.raises(ValidationError):
        Settings(colour="red")  # type: ignore[call-arg]


def test_a_key_is_never_shown() -> None:
    settings = load_settings({}, {"OPENAI_API_KEY": "sk-very-secret"})
    assert "very-secret" not in repr(settings)
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-very-secret"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"LAKE_HOMES": "/x"}, ["'LAKE_HOMES'", "LAKE_HOME"]),
        ({"LAKE_CHROMA": "x"}, ["'LAKE_CHROMA'", "LAKE_CHROMA_URL"]),
        ({"LAKE_CHROMA_URL": "localhost:8000"}, ["LAKE_CHROMA_URL", "'localhost:8000'", "http://"]),
        ({"LAKE_LLM": "gpt"}, ["LAKE_LLM", "'gpt'", "offline"]),
        ({"LAKE_DEBUG": "perhaps"}, ["LAKE_DEBUG", "'perhaps'"]),
        ({"LAKE_CONFIG": "/no/such/config.toml"}, ["/no/such/config.toml"]),
    ],
)
def test_wrong_environment_gets_one_clear_line(env: dict[str, str], said: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({}, env)
    assert all(part in str(caught.value) for part in said)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hom = '/x'", ["'hom'", "home"]),
        ("zzz = 1", ["'zzz'", "embedder_dir"]),
        ("llm = 3", ["'llm' in", "3"]),
        ("llm = [", ["cannot be read"]),
        ("openai_api_key = 'sk-1'", ["OPENAI_API_KEY"]),
    ],
)
def test_wrong_toml_gets_one_clear_line(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({}, {}, _toml(tmp_path, text))
    assert all(part in str(caught.value) for part in said)
    assert "\n" not in str(caught.value)
    assert "sk-1" not in str(caught.value)
