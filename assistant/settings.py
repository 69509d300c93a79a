"""Settings: few, flat, frozen, read once where the program starts. Flag > environment > TOML > default."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from tools.errors import UsageError

APPLICATION = "model-lake"
CONFIG_VARIABLE = "LAKE_CONFIG"
# Own variables that are no settings: the file to read, and where tests and suites find shared data.
_OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "LAKE_SHARED"})
_VARIABLES = {
    "home": "LAKE_HOME",
    "embedder": "LAKE_EMBEDDER",
    "embedder_dir": "LAKE_EMBEDDER_DIR",
    "chroma_url": "LAKE_CHROMA_URL",
    "llm": "LAKE_LLM",
    "model": "LAKE_MODEL",
    "temperature": "LAKE_TEMPERATURE",
    "timeout": "LAKE_TIMEOUT",
    "max_seconds": "LAKE_MAX_SECONDS",
    "max_model_calls": "LAKE_MAX_MODEL_CALLS",
    "max_tool_calls": "LAKE_MAX_TOOL_CALLS",
    "max_tokens": "LAKE_MAX_TOKENS",
    "context_tokens": "LAKE_CONTEXT_TOKENS",
    "auth": "LAKE_AUTH",
    "rate_per_minute": "LAKE_RATE_PER_MINUTE",
    "max_upload_mb": "LAKE_MAX_UPLOAD_MB",
    "debug": "LAKE_DEBUG",
    # Not ours: they mean here what they mean everywhere else.
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
    "server_name": "GRADIO_SERVER_NAME",
    "server_port": "GRADIO_SERVER_PORT",
}
_PATHS = frozenset({"home", "embedder_dir"})
_SECRETS = frozenset({"openai_api_key", "auth"})


def default_home() -> Path:
    """The platform's user-data folder for lakes."""
    import platformdirs

    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))


def default_config_path() -> Path:
    """Where `config.toml` is looked for when LAKE_CONFIG does not say."""
    import platformdirs

    return Path(platformdirs.user_config_dir(APPLICATION, appauthor=False)) / "config.toml"


class Settings(BaseModel):
    """What the program was told; nothing in it is read from the environment later."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    home: Path = Field(default_factory=default_home, description="where the lake lives")
    embedder: str = Field(default="minilm", description="minilm, openai:MODEL, or none (words only)")
    embedder_dir: Path | None = Field(default=None, description="folder with the embedder's weights")
    chroma_url: str | None = Field(default=None, description="address of a Chroma server")
    llm: str = Field(default="auto", description="auto, offline, or provider:model")
    model: str | None = Field(default=None, description="the language model's name at its service")
    temperature: float | None = Field(
        default=0.0, ge=0, le=2, description="of the language model; a service that refuses it gets none"
    )
    timeout: float = Field(
        default=60.0, gt=0, le=3600, description="seconds to wait for the next byte of a service"
    )
    max_seconds: float = Field(default=120.0, gt=0, le=3600, description="for a language model's whole turn")
    max_model_calls: int = Field(default=8, ge=1, le=100, description="of one turn")
    max_tool_calls: int = Field(default=16, ge=1, le=200, description="of one turn")
    max_tokens: int = Field(default=200_000, ge=1000, description="sent and received in one turn")
    context_tokens: int = Field(
        default=24_000, ge=2000, description="of one request; a longer conversation is shortened"
    )
    auth: SecretStr | None = Field(default=None, description="USER:PASSWORD that the page asks for")
    rate_per_minute: int = Field(default=30, ge=0, description="questions of one client; 0 is no limit")
    max_upload_mb: float = Field(default=10.0, gt=0, le=1000, description="of a document dropped into a chat")
    debug: bool = Field(default=False, description="show tracebacks")
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    server_name: str = Field(default="127.0.0.1", description="address the page listens on")
    server_port: int = Field(default=7860, ge=0, le=65535, description="port the page listens on")

    @field_validator("home", "embedder_dir")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value is not None else None

    @field_validator("chroma_url", "openai_base_url")
    @classmethod
    def _require_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("give an address such as http://localhost:8000")
        return value

    @field_validator("llm")
    @classmethod
    def _require_engine(cls, value: str) -> str:
        provider, colon, name = value.partition(":")
        if value not in {"auto", "offline"} and not (colon and provider and name):
            raise ValueError("give auto, offline, or provider:model")
        return value

    @field_validator("embedder")
    @classmethod
    def _require_embedder(cls, value: str) -> str:
        provider, colon, name = value.partition(":")
        if value not in {"minilm", "none"} and not (provider == "openai" and colon and name):
            raise ValueError("give minilm, none, or openai:MODEL")
        return value

    @field_validator("auth")
    @classmethod
    def _require_login(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            user, colon, password = value.get_secret_value().partition(":")
            if not (user and colon and password):
                raise ValueError("give USER:PASSWORD")
        return value


def load_settings(
    overrides: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    toml_path: Path | None = None,
) -> Settings:
    """Read the settings: `overrides` (flags) over `env` over the TOML file over the defaults.

    `toml_path` is for callers that know the file; else LAKE_CONFIG names it, else the platform's
    configuration folder may hold one. An empty variable counts as not set. Raises UsageError with one line
    for an unknown variable or key, a file that is no TOML, or a value that does not fit.
    """
    env = os.environ if env is None else env
    _refuse_unknown(
        (name for name in env if name.startswith("LAKE_")),
        known=[*(v for v in _VARIABLES.values() if v.startswith("LAKE_")), *_OTHER_VARIABLES],
        what="environment variable",
    )
    values, origins = _read_toml(toml_path, env)
    for field, variable in _VARIABLES.items():
        if text := env.get(variable, "").strip():
            values[field], origins[field] = text, variable
    for field, value in (overrides or {}).items():
        if value is not None:
            values[field], origins[field] = value, f"--{field.replace('_', '-')}"
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        shown = "(hidden)" if field in _SECRETS else repr(first["input"])
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise UsageError(
            f"{origins.get(field, field)} is {shown}: {reason}.", hint="Correct it or leave it out."
        ) from None


def _read_toml(path: Path | None, env: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of the TOML file and, for messages, where each stands. No file at the default place is fine."""
    named = path is not None or bool(env.get(CONFIG_VARIABLE))
    path = path or Path(env.get(CONFIG_VARIABLE) or default_config_path()).expanduser()
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not named:
            return {}, {}
        raise UsageError(
            f"There is no configuration file {str(path)!r}.", hint=f"Create it or unset {CONFIG_VARIABLE}."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"The configuration file {str(path)!r} cannot be read: {error}.", hint="It must be TOML."
        ) from None
    if secret := _SECRETS & values.keys():
        name = min(secret)
        raise UsageError(
            f"{name!r} stands in {str(path)!r}.", hint=f"Secrets are read from {_VARIABLES[name]} only."
        )
    _refuse_unknown(values, known=[*(f for f in _VARIABLES if f not in _SECRETS)], what=f"key in {path}")
    for field in _PATHS & values.keys():
        if isinstance(values[field], str):
            values[field] = path.parent / Path(values[field]).expanduser()
    return values, {field: f"{field!r} in {path}" for field in values}


def _refuse_unknown(names: Iterable[str], *, known: Iterable[str], what: str) -> None:
    known = sorted(known)
    for name in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
        raise UsageError(
            f"Unknown {what} {name!r}.",
            hint=f"Did you mean {' or '.join(near)}?" if near else f"Known are: {', '.join(known)}.",
        )
