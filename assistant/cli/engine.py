"""The command that shows who writes the answers, and locks a lake to the offline engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError

if TYPE_CHECKING:
    from assistant.settings import Settings


def engine(
    context: typer.Context,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="offline", help="Use this lake with this engine alone."),
    ] = None,
    any_engine: Annotated[bool, typer.Option("--any", help="Lift that lock.")] = False,
) -> None:
    """Show who writes the answers, where questions go and what a turn may take; lock a lake to `offline`.

    Nothing is sent to any service.
    """
    from assistant.llm import locked_engine, set_engine_lock

    invocation: Invocation = context.obj
    if only is not None and any_engine:
        raise UsageError("--only and --any are given together.", hint="Give one of them.")
    with invocation.open_lake("engine", embedding=False) as lake:
        if only is not None or any_engine:
            set_engine_lock(lake, only)
        document = describe_engine(invocation.settings, locked_engine(lake))
    if invocation.json:
        invocation.emit(document)
        return
    limits = document["limits"]
    lines = [
        f"Engine    {document['engine']}",
        f"Model     {document['model'] or '-'}",
        f"Address   {document['address'] or 'nothing is sent'}",
        f"Embedder  {document['embedder']}",
        f"Lock      {document['lock'] or 'none'}",
        f"A turn    at most {limits['seconds']:g} s, {limits['model_calls']} model calls, "
        f"{limits['tool_calls']} tool calls, {limits['tokens']:,} tokens; "
        f"a request {limits['context_tokens']:,} tokens",
    ]
    for line in lines:
        invocation.terminal.print(line, markup=False, soft_wrap=True)


def describe_engine(settings: Settings, lock: str | None) -> dict[str, Any]:
    """The engine of the settings as a lake with this lock takes it: names, address and limits."""
    import dataclasses

    from assistant.engine import OFFLINE
    from assistant.llm import Limits, uses_service
    from assistant.llm.connecting import OPENAI_URL, show_address

    address = model = None
    name = OFFLINE
    if uses_service(settings) and lock is None:
        provider, _, model = settings.llm.partition(":")
        if settings.llm == "auto":
            provider, model = "openai", settings.model or ""
        name = f"{provider}:{model or '?'}"
        model = model or "the only one of the service (LAKE_MODEL names another)"
        openai = provider == "openai"
        address = show_address(settings.openai_base_url or OPENAI_URL) if openai else f"that of {provider}"
    return {
        "engine": name,
        "model": model,
        "address": address,
        "embedder": settings.embedder,
        "lock": lock,
        "limits": dataclasses.asdict(Limits.from_settings(settings)),
    }
