"""Conversations that outlive the process: turns and evidence in SQLite, beside LangGraph's checkpoints."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path

from assistant.answers import Answer
from tools.errors import UsageError
from tools.evidence import Evidence, EvidenceLedger

_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    thread TEXT NOT NULL, number INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,
    asked_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (thread, number)
);
CREATE TABLE IF NOT EXISTS evidence (
    thread TEXT NOT NULL, key TEXT NOT NULL, item TEXT NOT NULL, PRIMARY KEY (thread, key)
);
"""
_THREAD = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


class ConversationStore:
    """Threads of one lake. `connection` is shared with LangGraph's SqliteSaver."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.executescript(_SCHEMA)

    def close(self) -> None:
        self.connection.close()

    def open_thread(self, name: str | None) -> str:
        """A valid thread id: the one given, or a new one. Raises UsageError for a name that cannot be one."""
        if name is None:
            return uuid.uuid4().hex[:12]
        if not _THREAD.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name a conversation.",
                hint="Use up to 64 letters, digits, '.', '_' or '-', starting with a letter or digit.",
            )
        return name

    def load_ledger(self, thread: str) -> EvidenceLedger:
        """The evidence of a conversation so far, under its keys."""
        rows = self.connection.execute("SELECT item FROM evidence WHERE thread = ?", (thread,))
        items = [Evidence.model_validate_json(row[0]) for row in rows]
        return EvidenceLedger(sorted(items, key=lambda item: int(item.id[1:])))

    def save_turn(self, thread: str, question: str, answer: Answer, ledger: Iterable[Evidence]) -> None:
        """Store one turn with all evidence, in one transaction."""
        with self.connection:
            self.connection.executemany(
                "INSERT OR IGNORE INTO evidence (thread, key, item) VALUES (?, ?, ?)",
                [(thread, item.id, item.model_dump_json()) for item in ledger],
            )
            self.connection.execute(
                "INSERT INTO turns (thread, number, question, answer) "
                "SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ? FROM turns WHERE thread = ?",
                (thread, question, answer.model_dump_json(), thread),
            )

    def read_turns(self, thread: str) -> list[tuple[str, Answer]]:
        """(question, answer) of each turn, oldest first."""
        rows = self.connection.execute(
            "SELECT question, answer FROM turns WHERE thread = ? ORDER BY number", (thread,)
        )
        return [(question, Answer.model_validate_json(answer)) for question, answer in rows]
