"""The Draft view: a card drafted for a model of the lake, each statement beside the evidence it stands on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from assistant.engine import OFFLINE
from assistant.page.actions import PageActions
from assistant.page.escape import escape
from assistant.page.views.draft_report import Writer, render_draft, summarize_draft
from assistant.page.views.models import list_all, render_trouble
from tools.errors import LakeError, UsageError

_EMPTY = (
    '<p class="hint">Choose a model. You see a card drafted from all that is known of it: its metadata, '
    "configuration, weights, logs, relatives and papers. The number behind a statement opens its "
    "evidence; what nothing supports stays open, with a line on what would fill it. You can edit the card "
    "and save it.</p>"
)
_NONE = '<p class="hint">This lake is empty. Fill it, for instance with <code>lake ingest sample:</code>.</p>'
_SECONDS = 20.0  # for weighing undeclared parents


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

    async def draft(name: str | None, engine: str, request: gr.Request) -> AsyncIterator[tuple[str, str]]:
        try:
            if not name:
                raise UsageError("No model is chosen.", hint="Choose one.")
            actions.charge(request)
            told = escape(f"Gathering evidence for {name} and weighing its relatives …")
            yield f'<p class="waiting">{told}</p>', told
            yield await asyncio.to_thread(_draft, actions, name, engine)
        except LakeError as error:
            yield render_trouble(error), ""

    button.click(
        draft, [model, engine], [shown, said], api_name="page_draft", api_visibility="private",
        show_progress="hidden", concurrency_limit=2, trigger_mode="once",
    )  # fmt: skip

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


def _draft(actions: PageActions, wanted: str, engine: str) -> tuple[str, str]:
    """The draft as HTML, and as a sentence. Of models of the lake only: a visitor names no folders here."""
    from tools.catalog.names import resolve_model
    from tools.draft.drafting import draft_subject
    from tools.draft.subject import find_subject

    assistant = actions.assistant
    catalog = assistant.lake.catalog
    known = catalog.get_model(wanted) is not None  # a dump may hold names that nobody would type
    subject = find_subject(catalog, wanted if known else resolve_model(catalog, wanted))
    llm, name = assistant.make_writer(engine or None)
    draft = draft_subject(subject, llm=llm, seconds=_SECONDS, also=("json", "cyclonedx", "eu"))
    writer = Writer(name, "") if llm is not None else Writer("", name)
    return render_draft(draft, catalog, writer), escape(summarize_draft(draft))
