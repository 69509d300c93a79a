"""Conversations that outlive the process: turns, their messages, evidence and documents in SQLite."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answers import Answer
from tools.errors import UsageError
from tools.evidence import Evidence, EvidenceLedger

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    thread TEXT PRIMARY KEY, owner TEXT NOT NULL, last_key INTEGER NOT NULL DEFAULT 0,
    updated TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS threads_of_owner ON threads (owner, updated);
CREATE TABLE IF NOT EXISTS turns (
    thread TEXT NOT NULL, number INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,
    messages TEXT NOT NULL, asked_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (thread, number)
);
CREATE TABLE IF NOT EXISTS evidence (
    thread TEXT NOT NULL, key TEXT NOT NULL, item TEXT NOT NULL, PRIMARY KEY (thread, key)
);
CREATE TABLE IF NOT EXISTS documents (
    thread TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (thread, name)
);
"""
_THREAD = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
# Of the last turns the engine sees everything; of earlier ones the question and the answer, whose marks
# still resolve, because the evidence stays.
_WHOLE_TURNS = 2
_SEEN_TURNS = 30
_BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its checked answer; numbers begin at 1. `asked_at` is UTC."""

    number: int
    question: str
    answer: Answer
    asked_at: str


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A conversation in a list: its first question and when it last went on (UTC)."""

    thread: str
    title: str
    turns: int
    updated: str


class ConversationStore:
    """Threads of one lake; calls may come from any thread of the process.

    A turn is stored whole or not at all, so that a killed process leaves no half turn behind.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_SECONDS)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def open_thread(self, name: str | None, owner: str = "") -> str:
        """A valid thread id: the one given, or a new one that belongs to `owner`.

        Raises UsageError for a name that cannot be one.
        """
        if name is not None and not _THREAD.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name a conversation.",
                hint="Use up to 64 letters, digits, '.', '_' or '-', starting with a letter or digit.",
            )
        thread = name or uuid.uuid4().hex
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO threads (thread, owner) VALUES (?, ?)", (thread, owner)
            )
        return thread

    def owner_of(self, thread: str) -> str | None:
        """Who began the conversation ("" on the command line), or None when there is none of this name."""
        row = self._one("SELECT owner FROM threads WHERE thread = ?", (thread,))
        return None if row is None else str(row[0])

    def list_threads(self, owner: str, limit: int = 50) -> list[ThreadSummary]:
        """Conversations of an owner that have at least one turn, the latest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT t.thread, "
                "(SELECT question FROM turns WHERE thread = t.thread ORDER BY number LIMIT 1), "
                "(SELECT COUNT(*) FROM turns WHERE thread = t.thread) AS held, t.updated FROM threads t "
                "WHERE t.owner = ? AND held > 0 ORDER BY t.updated DESC, t.rowid DESC LIMIT ?",
                (owner, limit),
            ).fetchall()
        return [ThreadSummary(*row) for row in rows]

    def load_ledger(self, thread: str) -> EvidenceLedger:
        """The evidence of a conversation so far, under its keys; no key is ever given out again."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT item FROM evidence WHERE thread = ?", (thread,)
            ).fetchall()
            last = self._one("SELECT last_key FROM threads WHERE thread = ?", (thread,))
        items = [Evidence.model_validate_json(row[0]) for row in rows]
        return EvidenceLedger(
            sorted(items, key=lambda item: int(item.id[1:])), last=int(last[0]) if last else 0
        )

    def reserve_keys(self, thread: str, last: int) -> None:
        """The next evidence of a conversation begins behind `last`, as far as keys were given out."""
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE threads SET last_key = MAX(last_key, ?) WHERE thread = ?", (last, thread)
            )

    def load_messages(self, thread: str) -> list[BaseMessage]:
        """What a chat model is told of earlier turns, oldest first."""
        from langchain_core.messages import messages_from_dict

        with self._lock:
            rows = self._connection.execute(
                "SELECT messages FROM turns WHERE thread = ? ORDER BY number DESC LIMIT ?",
                (thread, _SEEN_TURNS),
            ).fetchall()
        seen: list[BaseMessage] = []
        for age, (stored,) in reversed(list(enumerate(rows))):
            turn = messages_from_dict(json.loads(stored))
            seen += turn if age < _WHOLE_TURNS else [turn[0], turn[-1]]
        return seen

    def save_turn(
        self,
        thread: str,
        question: str,
        answer: Answer,
        ledger: Iterable[Evidence],
        messages: Sequence[BaseMessage],
    ) -> None:
        """Store one turn with all evidence, in one transaction. `messages`: first the question's, last the
        answer's."""
        from langchain_core.messages import messages_to_dict

        items = list(ledger)
        last = max((int(item.id[1:]) for item in items), default=0)
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO evidence (thread, key, item) VALUES (?, ?, ?)",
                [(thread, item.id, item.model_dump_json()) for item in items],
            )
            self._connection.execute(
                "INSERT INTO turns (thread, number, question, answer, messages) "
                "SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ?, ? FROM turns WHERE thread = ?",
                (
                    thread,
                    question,
                    answer.model_dump_json(),
                    json.dumps(messages_to_dict(messages), default=str),
                    thread,
                ),
            )
            self._connection.execute(
                "UPDATE threads SET updated = strftime('%Y-%m-%d %H:%M:%f', 'now'), "
                "last_key = MAX(last_key, ?) WHERE thread = ?",
                (last, thread),
            )

    def read_turns(self, thread: str) -> list[Turn]:
        """The turns of a conversation, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, question, answer, asked_at FROM turns WHERE thread = ? ORDER BY number",
                (thread,),
            ).fetchall()
        return [Turn(n, question, Answer.model_validate_json(text), at) for n, question, text, at in rows]

    def rewind(self, thread: str, keep: int) -> None:
        """Drop all but the first `keep` turns. Evidence and its keys stay: they are never reused."""
        with self._lock, self._connection:
            self._connection.execute(
                "DELETE FROM turns WHERE thread = ? AND number > ?", (thread, max(0, keep))
            )

    def forget(self, thread: str) -> None:
        """Delete a conversation: turns, evidence and documents."""
        with self._lock, self._connection:
            for table in ("turns", "evidence", "documents", "threads"):
                self._connection.execute(f"DELETE FROM {table} WHERE thread = ?", (thread,))

    def save_document(self, thread: str, name: str, content: str) -> None:
        """Keep a document (as JSON) with a conversation; one of the same name is replaced."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO documents (thread, name, content) VALUES (?, ?, ?)",
                (thread, name, content),
            )

    def load_documents(self, thread: str) -> list[str]:
        """The documents of a conversation, as stored, in the order they came."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT content FROM documents WHERE thread = ? ORDER BY rowid", (thread,)
            ).fetchall()
        return [str(row[0]) for row in rows]

    def _one(self, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return row
