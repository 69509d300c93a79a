"""What the assistant does not do, told from the words of a request.

It answers questions about models of a lake; it runs nothing, changes nothing and knows nothing of the world.
"""

from __future__ import annotations

from typing import Literal

from assistant.offline.shapes import has_shape

Scope = Literal["in", "action", "injection", "world", "greeting", "thanks", "help"]


def read_scope(question: str, *, names_model: bool) -> Scope:
    """What kind of request this is. `names_model`: the question names a model of the lake."""
    if has_shape("greeting", question):
        return "greeting"
    if has_shape("thanks", question) and len(question.split()) <= 8:
        return "thanks"
    if has_shape("injection", question):
        return "injection"
    if has_shape("action", question):
        return "action"
    if names_model:
        return "in"
    if has_shape("help", question):
        return "help"
    if has_shape("write", question) or has_shape("payload", question):
        return "action"
    if has_shape("world", question) and not has_shape("wants_model", question):
        return "world"
    return "in"
