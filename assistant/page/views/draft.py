"""The Draft view: a card drafted for a model of the lake, or a visitor's own, beside its evidence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import gradio as gr

from assistant.engine import OFFLINE
from assistant.page.actions import PageActions
from assistant.page.escape import escape
from assistant.page.views.draft_report import Writer, render_draft, summarize_draft
from assistant.page.views.models import list_all, render_trouble
from assistant.page.views.uploads import render_drop, sort_files
from tools.draft.types import DraftFormat
from tools.errors import LakeError, UsageError
from tools.hashing import hash_text

_EMPTY = (
    '<p class="hint">Choose a model, or give your own. You see a card drafted from all that is known of it: '
    "its metadata, configuration, weights, logs, relatives and papers. The number behind a statement opens "
    "its evidence; what nothing supports stays open, with a line on what would fill it. You can edit the "
    "card and save it.</p>"
)
_NONE = (
    '<p class="hint">This lake is empty, but a card can be drafted for a model of your own: give its folder '
    "above.</p>"
)
_SECONDS = 20.0  # for weighing undeclared parents
_ALSO: tuple[DraftFormat, ...] = ("json", "cyclonedx", "eu")

# What is drafted for: a model's name, or the places of files that were given.
Chosen = tuple[Literal["model"], str] | tuple[Literal["files"], list[str]]


def build_draft(page: gr.Blocks, actions: PageActions) -> None:
    """A choice, a button, and the card beside its evidence."""
    assistant = actions.assistant
    catalog = assistant.lake.catalog
    names = list_all(catalog)
    with gr.Column(elem_classes="lake-form lake-draft"):
        with gr.Row():
            model = gr.Dropdown(names, value=None, label="Model", elem_id="draft-model", filterable=True)
            engines = _list_writers(actions)
            engine = gr.Radio(
                engines,
                value=OFFLINE,
                label="Worded by",
                info="A language model is sent the evidence; each sentence it writes is checked.",
                elem_id="draft-engine",
                visible=len(engines) > 1,
            )
            button = gr.Button("Draft", variant="primary", elem_id="draft-go", scale=0, min_width=120)
        gr.HTML(
            render_drop("draft-upload", assistant.most_upload_bytes),
            elem_id="draft-drop",
            apply_default_css=False,
            js_on_load=None,
        )
        upload = gr.File(
            file_count="multiple", visible="hidden", elem_id="draft-upload", label="Your card or folder"
        )
        said = gr.HTML(
            "",
            elem_id="draft-said",
            elem_classes="sr",
            apply_default_css=False,
            js_on_load="element.setAttribute('role', 'status')",
        )
        shown = gr.HTML(
            _EMPTY if names else _NONE,
            elem_id="draft-shown",
            elem_classes="lake-shown",
            apply_default_css=False,
            js_on_load="lakeDraft.mount(element)",
        )

    last = gr.State(None)

    async def show(chosen: Chosen | None, engine: str, request: gr.Request) -> AsyncIterator[tuple[str, str]]:
        try:
            if chosen is None or not chosen[1]:
                raise UsageError("Nothing is chosen.", hint="Choose a model, or give a folder of your own.")
            actions.charge(request)
            waiting = (
                f"Gathering evidence for {chosen[1]} and weighing its relatives …"
                if chosen[0] == "model"
                else "Gathering evidence from your files …"
            )
            yield f'<p class="waiting">{escape(waiting)}</p>', escape(waiting)
            yield await asyncio.to_thread(_draft, actions, chosen, engine)
        except LakeError as error:
            yield render_trouble(error), ""

    async def draft(
        name: str | None, engine: str, last: Chosen | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, str, Chosen | None]]:
        chosen: Chosen | None = ("model", name) if name else last
        async for html, told in show(chosen, engine, request):
            yield html, told, chosen

    async def take(
        files: list[str] | None, engine: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        chosen: Chosen = ("files", [str(path) for path in files or []])
        async for html, told in show(chosen, engine, request):
            yield html, told, chosen, None, None  # the fields are free for the next

    quiet: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": 2,
        "concurrency_id": "draft",
    }
    button.click(
        draft, [model, engine, last], [shown, said, last], api_name="page_draft", trigger_mode="once", **quiet
    )
    upload.upload(
        take, [upload, engine], [shown, said, last, upload, model], api_name="page_draft_files", **quiet
    )

    def load() -> tuple[Any, Any]:
        engines = _list_writers(actions)  # a connected service tells its model's name
        return gr.Dropdown(list_all(catalog)), gr.Radio(engines, visible=len(engines) > 1)

    page.load(load, None, [model, engine], api_visibility="private", show_progress="hidden")


def _list_writers(actions: PageActions) -> list[tuple[str, str]]:
    """(what a visitor reads, engine); without a language model only the evidence itself."""
    first, *others = actions.assistant.engines()
    if first == OFFLINE:
        return [("the evidence alone", OFFLINE)]
    return [
        ("the evidence alone", OFFLINE),
        ("language model" if first == "auto" else first, ""),
        *((name, name) for name in others if name != OFFLINE),
    ]


def _draft(actions: PageActions, chosen: Chosen, engine: str) -> tuple[str, str]:
    """The draft as HTML, and as a sentence. Of this machine only models of the lake can be named."""
    from assistant.page.views.draft_upload import draft_files
    from tools.catalog.names import resolve_model
    from tools.draft.drafting import draft_subject
    from tools.draft.subject import find_subject

    assistant = actions.assistant
    catalog = assistant.lake.catalog
    llm, name = assistant.make_writer(engine or None)
    writer = Writer(name, "") if llm is not None else Writer("", name)
    if chosen[0] == "files":
        files = sort_files(chosen[1], most_bytes=assistant.most_upload_bytes)
        draft = draft_files(catalog, files, llm=llm, also=_ALSO)
        kept = hash_text(draft.card)  # another card of the same name is another text
        html = render_draft(draft, catalog, writer, kept=kept, left_out=files.left_out)
        return html, escape(summarize_draft(draft))
    wanted = chosen[1]
    known = catalog.get_model(wanted) is not None  # a dump may hold names that nobody would type
    subject = find_subject(catalog, wanted if known else resolve_model(catalog, wanted))
    draft = draft_subject(subject, llm=llm, seconds=_SECONDS, also=_ALSO)
    return render_draft(draft, catalog, writer), escape(summarize_draft(draft))
