"""An answer's Markdown as HTML: statements with their level, marks as buttons that open a source.

The text was written by a language model or quotes a card, so nothing in it is trusted: no raw HTML, no images
(a browser would fetch them), links only to the web and with their host shown.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.answers import Answer, AnswerCitation, AnswerStatement
from assistant.cli.safe_text import clean_text
from assistant.page.escape import escape, escape_line, is_web_address, write_link
from assistant.page.levels import STATUSES, render_badge
from assistant.page.surroundings import describe_place
from tools.evidence import Evidence
from tools.verification.annotate import find_written, strip_notes
from tools.verification.marks import find_marks

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_MOST_SHOWN = 60_000  # characters; the export holds all of it
# What may stand before the words of a statement and means something to Markdown.
_BLOCK_MARKUP = re.compile(r"\s*(?:(?:#{1,6}|>|[-*+]|\d{1,9}[.)]|\|)(?:[ \t]+|(?<=\|)))*")
_FENCE = re.compile(r"\s{0,3}(?:`{3,}|~{3,})")
_TABLE_RULE = re.compile(r"\s*\n\s*\|?\s*:?-+:?\s*\|")
_DIGITS = r"(?P<what>[sem])(?P<number>\d+)"


def number_sources(answer: Answer) -> dict[str, int]:
    """Evidence key -> the number its marks show, in the order they first stand in the answer."""
    return {item.id: number for number, item in enumerate(answer.evidence, start=1)}


def render_answer(answer: Answer, turn: int) -> str:
    """The checked answer. `turn` is the number its marks name."""
    failed = {statement.reason for statement in answer.statements if statement.level == "failed"}
    text, cut = _cut(clean_text(strip_notes(answer.answer, failed)))
    return _Writer(answer, turn).render(text) + (_CUT if cut else "")


def render_pending(text: str) -> str:
    """Text that is still being written: nothing in it is checked, and its marks do not open anything yet."""
    text, cut = _cut(clean_text(text))
    return _Writer(None, 0).render(text) + (_CUT if cut else "")


def render_statements(answer: Answer) -> str:
    """The statements as a list with level, marks and reason: the same as the text shows, in words."""
    items = "".join(
        f"<li>{render_badge(statement.level)} "
        f"<q>{escape_line(statement.text, 400)}</q>"
        + (f' <span class="why">{escape_line(statement.reason, 300)}</span>' if statement.reason else "")
        + "</li>"
        for statement in answer.statements
    )
    return f"<ol class=checks>{items}</ol>"


_CUT = '<p class="cut">The answer goes on; what is shown ends here. The export holds all of it.</p>'


def _cut(text: str) -> tuple[str, bool]:
    return (text, False) if len(text) <= _MOST_SHOWN else (text[:_MOST_SHOWN], True)


@dataclass
class _Writer:
    """Renders one text. Places are told through Markdown by signs that nobody else can have written."""

    answer: Answer | None
    turn: int
    level: str = ""  # of the statement that is being written
    number: int = -1
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    numbers: Mapping[str, int] = field(default_factory=dict)
    citations: Sequence[AnswerCitation] = ()
    sources: Mapping[str, Evidence] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()  # statements that get no badge: headings, also of tables

    def render(self, text: str) -> str:
        marks = find_marks(text)
        if self.answer is not None:
            self.numbers = number_sources(self.answer)
            self.sources = {item.id: item for item in self.answer.evidence}
            same = [mark.key for mark in marks] == [c.evidence for c in self.answer.citations]
            self.citations = self.answer.citations if same else ()
        self.keys = [mark.key for mark in marks]
        inserts = [(mark.start, mark.end, self._sign("m", n)) for n, mark in enumerate(marks)]
        if self.answer is not None:
            inserts += self._place_statements(text, self.answer.statements)
        # At one place: the end of a statement, then the start of the next one.
        order = {"e": 0, "s": 1, "m": 2}
        inserts.sort(key=lambda insert: (insert[0], order[insert[2][len(self.nonce) + 1]]))
        pieces: list[str] = []
        at = 0
        for start, end, sign in inserts:
            pieces += [text[at : max(at, start)], sign]
            at = max(at, end)
        pieces.append(text[at:])
        html: str = _markdown().render("".join(pieces), {"writer": self})
        return html

    def _sign(self, what: str, number: int) -> str:
        return f"⸨{self.nonce}{what}{number}⸩"

    def _place_statements(
        self, text: str, statements: Sequence[AnswerStatement]
    ) -> list[tuple[int, int, str]]:
        placed: list[tuple[int, int, str]] = []
        silent: set[int] = set()
        at = 0
        for number, statement in enumerate(statements):
            written = find_written(clean_text(statement.text), statement.level)
            start = text.find(written, at)
            if start < 0 or not written:
                continue
            at = end = start + len(written)
            if _FENCE.match(written):
                continue
            if written.lstrip().startswith("#") or _TABLE_RULE.match(text, end):
                silent.add(number)
            markup = _BLOCK_MARKUP.match(text, start, end)
            first = markup.end() if markup else start
            if written.startswith("|") and written.endswith("|") and len(written) > 1:
                end -= 1
            placed += [(first, first, self._sign("s", number)), (end, end, self._sign("e", number))]
        self.silent = frozenset(silent)
        return placed

    def write_text(self, text: str, *, wrap: str = "{}") -> str:
        """Text of one token: what lies between signs in the style of its statement."""
        shown: list[str] = []
        at = 0
        for sign in re.finditer(rf"⸨{self.nonce}{_DIGITS}⸩", text):
            shown.append(self._style(text[at : sign.start()], wrap))
            shown.append(self._obey(sign["what"], int(sign["number"])))
            at = sign.end()
        shown.append(self._style(text[at:], wrap))
        return "".join(shown)

    def strip(self, text: str) -> str:
        """Text for a place that can hold no badge."""
        return re.sub(rf"⸨{self.nonce}{_DIGITS}⸩", self._restore, text)

    def _restore(self, sign: re.Match[str]) -> str:
        return f"[{self.keys[int(sign['number'])]}]" if sign["what"] == "m" else ""

    def _style(self, text: str, wrap: str) -> str:
        if not text:
            return ""
        inner = wrap.format(escape(text))
        if not self.level or not text.strip():
            return inner
        return f'<span class="st st-{self.level}" data-s="{self.number}">{inner}</span>'

    def _obey(self, what: str, number: int) -> str:
        if what == "m":
            return self._write_mark(number)
        assert self.answer is not None
        statement = self.answer.statements[number]
        if what == "s":
            self.level, self.number = statement.level, number
            return ""
        self.level, self.number = "", -1
        if number in self.silent and statement.level == "unchecked":
            return ""
        return f"&nbsp;{render_badge(statement.level, statement.reason)}"

    def _write_mark(self, number: int) -> str:
        key = self.keys[number]
        if self.answer is None:
            return f'<span class="mk mk-pending" title="{key}">{key}</span>'
        source = self.sources.get(key)
        if source is None:
            return f'<span class="mk mk-bad" title="{key}: no such source">{key}&nbsp;✗</span>'
        status = self.citations[number].status if self.citations else "exact"
        bad = status in ("misattributed", "fabricated")
        said = f" It {STATUSES[status].word}." if bad else ""
        where = f"{source.source}, {describe_place(source)}"
        return (
            f'<button type="button" class="mk{" mk-bad" if bad else ""}" data-act="source" '
            f'data-turn="{self.turn}" data-key="{key}" data-cite="{number}" '
            f'title="{key} · {escape_line(where)}{said}" '
            f'aria-label="Source {self.numbers[key]}: {escape_line(where)}.{said} Open it">'
            f"[{self.numbers[key]}{'✗' if bad else ''}]</button>"
        )


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # Reference definitions would let `[E1]: address` turn marks into links.
    markdown.disable(["reference", "html_block", "html_inline", "autolink"])
    for name, rule in (
        ("text", _render_text),
        ("code_inline", _render_code),
        ("fence", _render_block),
        ("code_block", _render_block),
        ("image", _render_image),
        ("link_open", _open_link),
        ("link_close", _close_link),
        ("heading_open", _open_heading),
        ("heading_close", _close_heading),
        ("table_open", _open_table),
        ("table_close", _close_table),
    ):
        markdown.add_render_rule(name, rule)
    return markdown


def _render_text(_: Any, tokens: Any, index: int, __: Any, env: Any) -> str:
    return str(env["writer"].write_text(tokens[index].content))


def _render_code(_: Any, tokens: Any, index: int, __: Any, env: Any) -> str:
    return str(env["writer"].write_text(tokens[index].content, wrap="<code>{}</code>"))


def _render_block(_: Any, tokens: Any, index: int, __: Any, env: Any) -> str:
    code = escape(env["writer"].strip(tokens[index].content))
    return f'<pre tabindex="0" role="region" aria-label="Code"><code>{code}</code></pre>'


def _render_image(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    alt = env["writer"].strip(tokens[index].content)
    return f'<span class="image">[picture not shown: {escape_line(alt, 120) or "no description"}]</span>'


def _open_link(_: Any, tokens: Any, index: int, __: Any, env: Any) -> str:
    address = env["writer"].strip(str(tokens[index].attrGet("href") or ""))
    env["address"] = address
    if not is_web_address(address):
        return "<span>"
    return write_link(address, "").partition('<span class="sr">')[0]


def _close_link(_: Any, tokens: Any, index: int, __: Any, env: Any) -> str:
    address = env.pop("address", "")
    if not is_web_address(address):
        return f" <small>({escape_line(address, 80)})</small></span>" if address else "</span>"
    # Other words than the address must not hide where a link goes.
    return f'</a> <small class="host">({escape_line(_host(address), 80)})</small>'


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return address


def _open_heading(_: Any, tokens: Any, index: int, __: Any, ___: Any) -> str:
    return f"<h{_lower(tokens[index].tag)}>"


def _close_heading(_: Any, tokens: Any, index: int, __: Any, ___: Any) -> str:
    return f"</h{_lower(tokens[index].tag)}>"


def _lower(tag: str) -> int:
    """Headings of an answer stand below those of the page."""
    return min(int(tag[1:]) + 2, 6)


def _open_table(*_: Any) -> str:
    return '<div class="table" tabindex="0" role="region" aria-label="Table"><table>'


def _close_table(*_: Any) -> str:
    return "</table></div>"
