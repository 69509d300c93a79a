"""The page as Gradio Blocks: which components there are, and which action each event calls.

The chat is the first tab; views beside it (comparing, lineage) are entries of `VIEWS`.
Gradio is imported with this module, which is imported only where a page is served: Gradio reads the types of
the functions it is given.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Any

import gradio as gr

from assistant.agent import Assistant
from assistant.documents import ENDINGS
from assistant.page import frame
from assistant.page.access import take_uploads_only
from assistant.page.actions import Change, PageActions
from assistant.page.service import add_service
from assistant.page.source_panel import EMPTY
from assistant.page.views.audit import build_audit
from assistant.page.views.compare import build_compare
from assistant.page.views.draft import build_draft
from assistant.page.views.lineage import build_lineage
from tools.errors import LakeError

_STAGE = (
    '<div class="stage"><div class="welcome-place"></div><div class="earlier" hidden><button type="button" '
    'class="small" data-act="earlier">show earlier questions</button></div><div class="turns"></div>'
    '<div class="documents-place"></div>'
    '<div class="trouble-place" role="alert"></div>'
    '<div class="sr" role="status" aria-live="polite"></div></div>'
)


def build_page(actions: PageActions) -> gr.Blocks:
    """The page. Nothing in it asks another host for anything."""
    page = gr.Blocks(
        title="Model Lake Assistant",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 24 * 3600),  # uploads; what was read of them is kept with the conversation
    )
    with page:
        with gr.Row(elem_id="lake-head"):
            gr.HTML(
                frame.render_header(actions.assistant.lake.status()),
                elem_id="lake-title",
                apply_default_css=False,
            )
            engines = _list_engines(actions.assistant)
            engine = gr.Dropdown(
                engines, value="", label="Engine", elem_id="lake-engine", interactive=len(engines) > 1,
                container=False, min_width=120,
            )  # fmt: skip
        with gr.Tabs(elem_id="lake-views"):
            with gr.Tab("Chat", id="chat", elem_classes="lake-view"):
                build_chat(page, actions, engine)
            for title, build in VIEWS:
                with gr.Tab(title, id=title.lower(), elem_classes="lake-view"):
                    build(page, actions)
        add_service(actions)
    take_uploads_only(page)
    return page


def build_chat(page: gr.Blocks, actions: PageActions, engine: gr.Dropdown) -> None:
    """The chat: conversations, the open one, and its sources. `engine` says who answers."""
    assistant = actions.assistant
    with gr.Row(elem_id="lake-main"):
        with gr.Column(elem_id="lake-rail", min_width=0):
            gr.HTML(
                '<button type="button" class="wide" data-act="new">New conversation</button>',
                apply_default_css=False,
            )
            rail = gr.HTML("", elem_id="lake-threads", apply_default_css=False)
            gr.HTML(_RAIL_FOOT, apply_default_css=False, elem_id="lake-rail-foot")
        with gr.Column(elem_id="lake-chat", min_width=0):
            stage = gr.HTML(
                None,
                elem_id="lake-stage",
                html_template=_STAGE,
                js_on_load="lakePage.mount(element, (data) => trigger('act', data), props, watch)",
                apply_default_css=False,
            )
            entry = gr.MultimodalTextbox(
                elem_id="lake-entry",
                label="Your question",
                show_label=False,
                placeholder="Ask about the models, or drop in a model card or a paper",
                file_types=list(ENDINGS),
                file_count="multiple",
                lines=1,
                max_lines=8,
                max_plain_text_length=20_000,
                autofocus=False,
            )
        with gr.Column(elem_id="lake-sources", min_width=0):
            sources = gr.HTML(
                f'<div class="panel" data-turn="0">{EMPTY}</div>',
                elem_id="lake-panel",
                js_on_load="lakePage.mountPanel(element, watch)",
                apply_default_css=False,
            )
    thread = gr.Textbox(visible="hidden", elem_id="lake-thread", label="conversation")
    outputs = [stage, rail, sources, thread, entry]

    def show(change: Change) -> tuple[Any, ...]:
        skip = gr.skip()
        return (
            # As text: Gradio's browser side alters an object in place when the next change comes.
            skip if change.patch is None else json.dumps(change.patch),
            skip if change.rail is None else change.rail,
            skip if change.sources is None else change.sources,
            skip if change.thread is None else change.thread,
            _change_entry(change),
        )

    async def stream(changes: AsyncIterator[Change]) -> AsyncIterator[tuple[Any, ...]]:
        try:
            async for change in changes:
                yield show(change)
            # Gradio sends the last change once more when the event is over; by then another may have come.
            yield tuple(gr.skip() for _ in outputs)
        except LakeError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from None

    async def load(thread: str, request: gr.Request) -> AsyncIterator[tuple[Any, ...]]:
        engines = _list_engines(assistant)  # a connected service tells its model's name
        yield (*[gr.skip() for _ in outputs], gr.Dropdown(engines, interactive=len(engines) > 1))
        async for change in stream(actions.open(thread, request)):
            yield (*change, gr.skip())

    async def submit(
        value: dict[str, Any] | None, thread: str, engine: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        given = value or {}
        asked = actions.ask(given.get("text") or "", given.get("files") or [], thread, engine, request)
        async for change in stream(asked):
            yield change

    async def act(
        thread: str, engine: str, data: gr.EventData, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        async for change in stream(actions.act(data._data, thread, engine, request)):
            yield change

    def stop(thread: str, request: gr.Request) -> None:
        try:
            actions.stop(thread, request)
        except LakeError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from None

    quiet: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_limit": None,
        "trigger_mode": "multiple",
    }
    stored = "() => [lakePage.storedThread()]"
    page.load(load, [thread], [*outputs, engine], js=stored, api_name="page_load", **quiet)
    entry.submit(submit, [entry, thread, engine], outputs, api_name="page_submit", **quiet)
    entry.stop(stop, [thread], None, queue=False, api_name="page_stop", **quiet)
    stage.act(act, [thread, engine], outputs, api_name="page_act", **quiet)


def _list_engines(assistant: Assistant) -> list[tuple[str, str]]:
    """(name, value) of what may answer; the engine of the settings has no value of its own."""
    first, *others = assistant.engines()
    return [("language model" if first == "auto" else first, ""), *((name, name) for name in others)]


def _change_entry(change: Change) -> Any:
    if change.busy is None and change.entry is None:
        return gr.skip()
    values: dict[str, Any] = {}
    if change.busy is not None:
        values.update(submit_btn=not change.busy, stop_btn=change.busy)
    if change.entry is not None:
        values["value"] = {"text": change.entry, "files": []}
    return gr.MultimodalTextbox(**values)


# The tabs beside the chat, by title.
VIEWS: tuple[tuple[str, Callable[[gr.Blocks, PageActions], None]], ...] = (
    ("Compare", build_compare),
    ("Lineage", build_lineage),
    ("Audit", build_audit),
    ("Draft", build_draft),
)

_RAIL_FOOT = (
    '<p class="label">This conversation</p><div class="acts">'
    '<button type="button" class="small" data-act="export" data-format="markdown">export Markdown</button>'
    '<button type="button" class="small" data-act="export" data-format="json">export JSON</button>'
    '<button type="button" class="small" data-act="clear">clear</button></div>'
    '<p class="hint">An export holds every source with its hash; '
    "<code>lake verify FILE</code> checks it again.</p>"
)


def render_assets() -> str:
    """All styles and scripts of `assets` for the page's head; the page's own come first, then its views'."""
    found = sorted(
        (files("assistant.page") / "assets").iterdir(), key=lambda file: (file.name[:5] != "page.", file.name)
    )
    texts = [(file.name, file.read_text(encoding="utf-8")) for file in found]
    styles = "\n".join(text for name, text in texts if name.endswith(".css"))
    scripts = "".join(f"<script>{text}</script>" for name, text in texts if name.endswith(".js"))
    return f"<style>{styles}</style>\n{scripts}"
