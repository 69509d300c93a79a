"""Commands about the embedder's weights."""

from __future__ import annotations

import typer

from assistant.cli.invocation import Invocation
from tools.errors import UsageError

app = typer.Typer(help="The weights that search by meaning needs.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keeps `download` a subcommand while it is the only one."""


@app.command()
def download(context: typer.Context) -> None:
    """Fetch the embedder from the Hugging Face Hub, at the pinned revision, and check its sha256."""
    from tools.embedding.weights import INSTALL_COMMAND, REPOSITORY, REVISION, SHA256, download_embedder

    invocation: Invocation = context.obj
    if invocation.settings.llm == "offline":
        raise UsageError(
            "LAKE_LLM is 'offline', so nothing is downloaded.", hint=f"Unset it, or run: {INSTALL_COMMAND}"
        )
    invocation.note(f"Downloading {REPOSITORY} at {REVISION[:8]} from the Hub ...")
    folder = download_embedder()
    document = {"repository": REPOSITORY, "revision": REVISION, "folder": str(folder), "sha256": SHA256}
    if invocation.json:
        invocation.emit(document)
    else:
        invocation.terminal.print(f"The embedder is at {folder}.", markup=False, soft_wrap=True)
