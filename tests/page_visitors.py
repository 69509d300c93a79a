"""People at browsers of their own, for tests of the page: a real Chromium whose every trouble is noted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium; Debian's: apt-get install chromium (.ci/run does)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A person at a browser of their own; whatever the console or the network says is noted."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.troubles: list[str] = []
        self.page = self.open()

    def open(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: self._note(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("request", lambda request: self._check(request.url))
        page.on("dialog", self._dismiss)
        page.goto(self.address)
        page.wait_for_selector(".turn .foot .by, .turn .waiting, .welcome h2")
        return page

    def _note(self, trouble: str) -> None:
        self.troubles.append(trouble)

    def _check(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self._note(f"request: {url}")

    def _dismiss(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def write(self, question: str) -> None:
        self.page.fill("#lake-entry textarea", question)
        self.page.keyboard.press("Enter")

    def ask(self, question: str) -> None:
        """Ask, and wait for the checked answer."""
        before = self.page.locator(".turn .foot .by").count()
        self.write(question)
        expect(self.page.locator(".turn .foot .by")).to_have_count(before + 1, timeout=30_000)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Opens browsers that share nothing; in the end none of them may have met trouble."""
    met: list[Visitor] = []

    def open_browser(address: str, **options: Any) -> Visitor:
        given = {"viewport": {"width": 1440, "height": 900}, **options}
        met.append(Visitor(chromium.new_context(**given), address))
        return met[-1]

    yield open_browser
    for visitor in met:
        visitor.context.close()
    assert [trouble for visitor in met for trouble in visitor.troubles] == []
