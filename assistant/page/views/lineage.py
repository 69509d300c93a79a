"""The Lineage view: where a model comes from and what was made of it, as a graph to click through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from assistant.page.actions import PageActions
from assistant.page.drawings import render_lineage
from assistant.page.escape import escape
from assistant.page.views.models import list_all, render_trouble
from tools.errors import LakeError, UsageError

_EMPTY = (
    '<p class="hint">Choose a model. You see what cards declare of its origin and offspring, and what the '
    "weights say to it: supported, contradicted, or found although no card says so.</p>"
)
_NONE = '<p class="hint">This lake is empty. Fill it, for instance with <code>lake ingest sample:</code>.</p>'


def build_lineage(page: gr.Blocks, actions: PageActions) -> None:
    """A choice, a button, and the graph."""
    catalog = actions.assistant.lake.catalog
    names = list_all(catalog)
    with gr.Column(elem_classes="lake-form"):
        with gr.Row():
            model = gr.Dropdown(names, value=None, label="Model", elem_id="lineage-model", filterable=True)
            button = gr.Button("Trace", variant="primary", elem_id="lineage-go", scale=0, min_width=120)
        shown = gr.HTML(
            _EMPTY if names else _NONE,
            elem_id="lineage-shown",
            elem_classes="lake-shown",
            apply_default_css=False,
        )

    async def trace(name: str | None, request: gr.Request) -> AsyncIterator[str]:
        try:
            if not name:
                raise UsageError("No model is chosen.", hint="Choose one.")
            actions.charge(request)
            yield f'<p class="waiting">Tracing <bdi>{escape(name)}</bdi> and comparing weights …</p>'
            yield await asyncio.to_thread(_trace, actions, name)
        except LakeError as error:
            yield render_trouble(error)

    button.click(trace, [model], shown, api_visibility="private", show_progress="hidden", concurrency_limit=2)
    page.load(
        lambda: gr.Dropdown(list_all(catalog)), None, [model],
        api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _trace(actions: PageActions, name: str) -> str:
    from tools.catalog.names import resolve_model
    from tools.lineage import describe_lineage, trace_lineage

    catalog = actions.assistant.lake.catalog
    document = describe_lineage(trace_lineage(catalog, resolve_model(catalog, name)))
    if not document["edges"] and not document["candidates"]:
        return (
            f"<p>Nothing is known of where <bdi>{escape(document['model'])}</bdi> comes from: no card names "
            "a parent or a child of it, and its weights are like no other's here.</p>"
        )
    return render_lineage(document)
