"""The `lake` command."""

from __future__ import annotations

from assistant.cli.app import main

__all__ = ["main"]
