"""The page in a real Chromium: what a person does, and what must never happen meanwhile."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from eval.scripted import Answering, Call, Message, Reply, Script, Tool
from tests.fakes.cards import CARDS
from tests.fakes.openai_server import OpenAIServer
from tests.page_peers import HOSTILE, HOSTILE_CARD, LEAKS, LETTERS, QUESTION, Serve, serve_page
from tests.page_visitors import Visit, chromium, visit

__all__ = ["chromium", "serve_page", "visit"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow, *LEAKS]

SEARCH = Call("search_models", {"query": QUESTION})


def after_search(answer: Answering) -> Script:
    """A model that searches first and then gives `answer`."""

    def script(messages: list[Message], tools: list[Tool]) -> Answering:
        return answer if messages[-1]["role"] == "tool" else Reply(calls=[SEARCH])

    return script  # type: ignore[return-value]


def test_ask_open_a_citation_and_go_on(serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page().address)
    page = visitor.page
    visitor.ask(QUESTION)
    mark = page.locator(".answer button.mk").first
    expect(mark).to_have_text("[1]")
    expect(page.locator(".answer .lv").first).to_contain_text(re.compile("quoted|facts found|not checked"))
    mark.click()
    source = page.locator("details.src[open]")
    expect(source).to_have_count(1)
    expect(source.locator("mark.active").first).to_be_visible()
    expect(source.locator(".src-no")).to_have_text("[1]")
    expect(source.locator(".src-name")).to_have_text(LETTERS)
    expect(source.locator(".src-id")).to_contain_text("sha256")
    link = source.locator("a")
    expect(link).to_have_attribute("href", f"https://huggingface.co/{LETTERS}")
    assert "noopener" in (link.get_attribute("rel") or "")
    # What is shown at a line is what the card says there.
    line = source.locator(".ln.own").first
    card = CARDS[LETTERS][0].split("\n")
    assert line.locator(".tx").inner_text() == card[int(line.locator(".no").inner_text()) - 1].strip()
    visitor.ask("What licence does the first one have?")
    expect(page.locator(".turn").nth(1).locator(".answer")).to_contain_text("apache-2.0")
    # The panel has moved to the second answer; a mark of the first brings its sources back.
    expect(page.locator(".panel-head h2")).to_have_text("Sources of answer 2")
    mark.click()
    expect(page.locator(".panel-head h2")).to_have_text("Sources of answer 1")
    expect(page.locator("details.src[open]")).to_have_count(1)


def test_the_keyboard_is_enough(serve_page: Serve, visit: Visit) -> None:
    page = visit(serve_page().address, viewport={"width": 800, "height": 900}).page
    page.locator("button.example").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".foot .by")).to_have_count(1)
    mark = page.locator("button.mk").first
    assert re.match(r"Source 1: .+ Open it", mark.get_attribute("aria-label") or "")
    mark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#lake-sources")).to_be_visible()
    expect(page.locator("details.src[open] summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#lake-sources")).to_be_hidden()
    expect(mark).to_be_focused()
    assert page.locator("button:visible").evaluate_all(
        "all => all.filter(b => !b.innerText.trim() && !b.getAttribute('aria-label')).length"
    ) == 0  # fmt: skip


def test_steps_unfold_and_stay_so(serve_page: Serve, visit: Visit) -> None:
    reply = Reply("It shortens letters. " * 12, piece=8, interval=0.08)
    with OpenAIServer(after_search(reply)) as service:
        page = visit(serve_page(llm="auto", openai_base_url=service.base_url).address)
        page.write(QUESTION)
        step = page.page.locator("details.step").first
        step.locator("summary").click()
        expect(page.page.locator(".answer.pending")).to_be_visible()
        assert step.get_attribute("open") is not None
        expect(step.locator(".step-body")).to_contain_text("query")
        expect(step.locator(".step-found")).to_contain_text("model")
        expect(page.page.locator(".notice")).to_contain_text([service.base_url, "scripted-model"])
        expect(page.page.locator(".foot .by")).to_contain_text("openai:scripted-model", timeout=30_000)


def test_stop_keeps_nothing_and_lets_go_on(serve_page: Serve, visit: Visit) -> None:
    slow = Reply("word " * 2000, piece=5, interval=0.05)
    with OpenAIServer(after_search(slow)) as service:
        site = serve_page(llm="auto", openai_base_url=service.base_url)
        visitor = visit(site.address)
        page = visitor.page
        visitor.write(QUESTION)
        expect(page.locator(".answer.pending")).to_contain_text("word word")
        expect(page.locator(".waiting")).to_contain_text("not checked yet")
        page.click("#lake-entry .stop-button")
        expect(page.locator(".turn")).to_contain_text("Stopped. Nothing of this answer was kept.")
        expect(page.locator("#lake-entry .submit-button")).to_be_visible()
        service.use([Reply("Done.")])
        page.locator(".turn").get_by_text("ask again").click()
        expect(page.locator(".turn .answer")).to_contain_text("Done.")
        expect(page.locator(".turn")).to_have_count(1)


def test_edit_retry_undo_and_clear(serve_page: Serve, visit: Visit) -> None:
    site = serve_page()
    visitor = visit(site.address)
    page = visitor.page
    visitor.ask(QUESTION)
    visitor.ask("What licence does the first one have?")
    page.locator(".turn").nth(1).get_by_text("retry").click()
    expect(page.locator(".turn").nth(1).locator(".foot .by")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(2)
    page.locator(".turn").nth(1).get_by_role("button", name="Undo").click()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator("#lake-entry textarea")).to_have_value("What licence does the first one have?")
    page.locator(".turn").first.get_by_role("button", name="Edit").click()
    page.locator(".editing textarea").fill("Which model finds plants?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .answer")).to_contain_text("west/plant-finder")
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".turn .foot .by")).to_be_visible()  # the turn is over
    page.get_by_text("clear", exact=True).click()
    page.get_by_text("sure?").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator(".threads li")).to_have_count(0)
    page.reload()
    page.wait_for_selector(".welcome h2")
    expect(page.locator(".turn")).to_have_count(0)


def test_a_conversation_left_or_cleared_while_it_is_answered_stays_away(
    serve_page: Serve, visit: Visit
) -> None:
    slow = Reply("word " * 60, piece=5, interval=0.05)
    with OpenAIServer(after_search(slow)) as service:
        site = serve_page(llm="auto", openai_base_url=service.base_url)
        visitor = visit(site.address)
        page = visitor.page
        visitor.write(QUESTION)
        expect(page.locator(".answer.pending")).to_contain_text("word word")
        page.get_by_text("New conversation").click()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator(".threads li")).to_have_count(1, timeout=30_000)  # the answer is over
        expect(page.locator(".turn")).to_have_count(0)
        page.locator(".threads li button").first.click()
        expect(page.locator(".turn .foot .by")).to_be_visible()

        service.use(after_search(slow))
        page.locator(".turn").get_by_text("retry").click()
        expect(page.locator(".answer.pending")).to_contain_text("word word")
        page.get_by_text("clear", exact=True).click()
        page.get_by_text("sure?").click()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator(".threads li")).to_have_count(0)
        page.wait_for_timeout(1000)
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator(".threads li")).to_have_count(0)


def test_two_browsers_stay_apart(serve_page: Serve, visit: Visit) -> None:
    address = serve_page().address
    first, second = visit(address), visit(address)
    first.ask(QUESTION)
    second.ask("Which model finds plants?")
    expect(first.page.locator(".answer")).to_have_count(1)
    expect(first.page.locator(".turn .said")).to_have_text([QUESTION])
    expect(second.page.locator(".turn .said")).to_have_text(["Which model finds plants?"])
    for visitor, question in ((first, QUESTION), (second, "Which model finds plants?")):
        visitor.page.reload()
        expect(visitor.page.locator(".thread-title")).to_have_text([question])
        expect(visitor.page.locator(".question .said")).to_have_text([question])


def test_a_reload_keeps_the_conversation_even_while_it_is_answered(serve_page: Serve, visit: Visit) -> None:
    slow = Reply("It shortens letters. " * 30, piece=8, interval=0.06)
    with OpenAIServer(after_search(slow)) as service:
        visitor = visit(serve_page(llm="auto", openai_base_url=service.base_url).address)
        page = visitor.page
        visitor.write(QUESTION)
        expect(page.locator(".answer.pending")).to_contain_text("letters")
        page.reload()
        expect(page.locator(".answer.pending")).to_contain_text("letters")
        expect(page.locator(".foot .by")).to_have_count(1, timeout=30_000)
        page.get_by_text("New conversation").click()
        expect(page.locator(".welcome h2")).to_be_visible()
        page.locator("button.thread").first.click()
        expect(page.locator(".foot .by")).to_have_count(1)


def test_a_hostile_card_is_shown_and_not_obeyed(serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page(more={HOSTILE: HOSTILE_CARD}).address)
    page = visitor.page
    visitor.ask("Which model shortens tide tables?")
    page.locator("button.mk").last.click()
    expect(page.locator("details.src[open]")).to_be_visible()
    page.locator("details.src").evaluate_all("all => all.forEach(source => (source.open = true))")
    expect(page.locator(".passage").filter(has_text="<script>").first).to_be_visible()
    page.locator(".card .why summary").first.click()
    page.locator("details.checked summary").click()
    assert page.evaluate("window.pwned") is None
    assert page.locator("#lake-main :is(script, img, svg[onload], style, iframe)").count() == 0
    for attribute in page.evaluate("""() => [...document.querySelectorAll('#lake-main *')].flatMap(
            element => element.getAttributeNames().filter(name => name.startsWith('on')))"""):
        pytest.fail(f"an element has {attribute}")
    for target in page.locator("#lake-main a").evaluate_all("all => all.map(a => a.href)"):
        assert target.startswith("https://huggingface.co/")
    shown = page.locator("#lake-main").inner_text()
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert "שלום" in shown


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "dark"), (720, "light")])
def test_nothing_overflows(serve_page: Serve, visit: Visit, width: int, scheme: str) -> None:
    long_name = "organisation-with-a-very-long-name/" + "model-" * 14 + "x"
    card = (
        "---\npipeline_tag: summarization\nlicense: mit\n---\n# T\n\nShortens tide tables: "
        + "w" * 180
        + "\n"
    )
    visitor = visit(
        serve_page(more={long_name: card}).address,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
    )
    page = visitor.page
    visitor.ask("Which model shortens tide tables?")
    page.locator("button.mk").first.click()
    for box in ("html", ".stage", "#lake-sources"):
        scroll, seen = page.locator(box).evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert scroll <= seen, box
    # Words stand out from what is behind them, in both schemes.
    contrast = page.evaluate(_CONTRAST)
    assert min(contrast.values()) >= 4.5, contrast


_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  for (const selector of ['.answer', '.lv-quoted', '.lv-facts', '.lv-unchecked', 'button.mk', '.said',
                          '.by', '.src-where', 'mark', '.ln.around .tx', '.card dt', 'button.small', 'h1']) {
    const all = [...document.querySelectorAll(selector)];
    const element = all.find((e) => e.innerText && e.getClientRects().length);
    if (!element) continue;
    const front = light(parse(getComputedStyle(element).color)), back = light(behind(element));
    found[selector] = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  }
  return found;
}"""


def test_a_card_dropped_in_can_be_asked_about(serve_page: Serve, visit: Visit, tmp_path: Path) -> None:
    site = serve_page()
    visitor = visit(site.address)
    page = visitor.page
    card = tmp_path / "README.md"
    card.write_text("---\nlicense: cc0-1.0\n---\n# Fog finder\n\nFinds fog in photographs of harbours.\n")
    page.set_input_files("#lake-entry input[type=file]", card)
    expect(page.locator("#lake-entry .thumbnail-item, #lake-entry .thumbnails")).not_to_have_count(0)
    visitor.ask("What licence does this card state?")
    expect(page.locator(".answer")).to_contain_text("cc0-1.0")
    page.locator("button.mk").first.click()
    expect(page.locator("details.src[open] .ln.own .tx")).to_have_text("license: cc0-1.0")
    expect(page.locator("details.src[open]")).to_contain_text("a document you added")
    assert all("Fog" not in name for name in site.assistant.lake.catalog.model_names())


def test_a_conversation_is_exported_and_copied(serve_page: Serve, visit: Visit) -> None:
    site = serve_page()
    visitor = visit(site.address, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    visitor.ask(QUESTION)
    with page.expect_download() as download:
        page.get_by_text("export JSON").click()
    exported = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert exported["turns"][0]["question"] == QUESTION
    page.locator(".foot").get_by_text("copy").click()
    expect(page.locator(".foot").get_by_text("copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == exported["turns"][0]["answer"]["answer"]


def test_cards_put_questions_into_the_chat(serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page().address)
    page = visitor.page
    visitor.ask(QUESTION)
    card = page.locator(".card").first
    expect(card).to_contain_text(re.compile("task.*licence.*size.*downloads", re.DOTALL))
    card.get_by_role("button", name=re.compile("^licence: apache-2.0")).click()
    expect(page.locator(".panel-head h2")).to_have_text(f"Licence of {LETTERS}")
    expect(page.locator("details.src[open] .passage")).to_contain_text("license: apache-2.0")
    card.get_by_role("button", name="compare").click()
    expect(page.locator(".question .said").nth(1)).to_contain_text(f"Compare `{LETTERS}`")
    expect(page.locator(".foot .by")).to_have_count(2)


def test_cards_are_audited_and_drafted_by_a_button(serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page().address)
    page = visitor.page
    visitor.ask(QUESTION)
    for number, (button, told) in enumerate(
        (("audit", "Audit the card of"), ("draft", "Draft a model card for")), start=1
    ):
        page.locator(".card").first.get_by_role("button", name=re.compile(f"^{button} ")).click()
        expect(page.locator(".question .said").nth(number)).to_contain_text(f"{told} `{LETTERS}`")
        expect(page.locator(".foot .by")).to_have_count(number + 1)


def test_trouble_is_told_in_plain_words(serve_page: Serve, visit: Visit) -> None:
    visitor = visit(serve_page(rate_per_minute=1).address)
    page = visitor.page
    visitor.ask(QUESTION)
    visitor.write("And its licence?")
    expect(page.locator(".trouble-place")).to_contain_text("Ask again in")
    expect(page.locator("#lake-entry textarea")).to_have_value("And its licence?")
    expect(page.locator(".turn")).to_have_count(1)


def test_an_empty_lake_says_how_to_fill_it(visit: Visit, tmp_path: Path) -> None:
    from assistant.agent import Assistant
    from assistant.settings import Settings
    from tests.page_peers import serving
    from tools.lake import Lake

    settings = Settings(home=tmp_path / "empty", llm="offline")
    with Lake.open(tmp_path / "empty", embedder=None) as lake:
        assistant = Assistant(lake, settings)
        with serving(assistant, settings) as site:
            page = visit(site.address).page
            expect(page.locator(".welcome h2")).to_have_text("This lake is empty")
            expect(page.locator(".welcome")).to_contain_text("lake ingest sample:")
        assistant.close()
