"""Who a caller is, and whose conversation may be opened by whom.

A browser gets a random name in a cookie that scripts cannot read; what is stored with a conversation is its
hash. A program without cookies is told apart by the session it chose for itself. A conversation's id alone
opens nothing.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.agent import Assistant
from tools.errors import UsageError
from tools.hashing import hash_text

if TYPE_CHECKING:
    import gradio as gr

COOKIE = "lake_owner"
_LENGTH = 43  # of 32 random bytes, URL-safe


def make_owner_token() -> str:
    """A new name for a browser, 256 bits."""
    return secrets.token_urlsafe(32)


def is_owner_token(value: str) -> bool:
    """Whether a cookie's value can be one of ours."""
    return len(value) == _LENGTH and value.isascii() and value.replace("-", "").replace("_", "").isalnum()


def name_owner(request: gr.Request) -> str:
    """The owner that conversations of this caller belong to. Raises UsageError for a nameless caller."""
    token = request.cookies.get(COOKIE, "") if request is not None else ""
    user = getattr(request, "username", None) or ""
    if is_owner_token(token):
        return "browser:" + hash_text(f"{user}\n{token}")
    session = getattr(request, "session_hash", None) or ""
    if not session:
        raise UsageError("The request names no session.", hint="Send a session_hash of your own choice.")
    return "session:" + hash_text(f"{user}\n{session}")


def require_own(assistant: Assistant, thread: str, owner: str) -> str:
    """`thread`, if it belongs to `owner`. Raises UsageError otherwise, the same whether it exists or not."""
    if not thread or assistant.owner_of(thread) != owner:
        raise UsageError(
            f"There is no conversation {thread[:64]!r} of yours.",
            hint="Begin a new one, or open one of the list.",
        )
    return thread


def take_uploads_only(page: gr.Blocks) -> None:
    """Have the components of `page` take no file but those that were uploaded to it.

    A caller may name any path, or an address. Gradio refuses other paths only where it launched the page
    itself, which a mounted page is not, and it would fetch from addresses.
    """
    for block in page.blocks.values():
        block.async_move_resource_to_block_cache = partial(_find_upload, Path(block.GRADIO_CACHE))  # type: ignore[method-assign]


async def _find_upload(uploads: Path, named: str | Path | None) -> str | None:
    """The place of an upload in the folder `uploads`. Raises gradio.Error for any other."""
    import gradio as gr

    if named is None:
        return None
    place = Path(named).resolve()
    if not place.is_relative_to(uploads.resolve()) or not place.is_file():
        said = f"{str(named)[:200]!r} was not uploaded here. Choose the file once more."
        raise gr.Error(said, title="That did not work", print_exception=False)
    return str(place)
