"""The Compare view: two models of the lake by their weights, configurations, tokenizers and cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from assistant.page.actions import PageActions
from assistant.page.drawings import render_comparison
from assistant.page.escape import escape
from assistant.page.views.models import list_weighed, render_trouble
from tools.errors import LakeError, UsageError

_EMPTY = (
    '<p class="hint">Choose two models. Their weights are opened, and you see whether they are related, how, '
    "which came first, where they differ, and what that stands on.</p>"
)
_NONE = (
    '<p class="hint">No model of this lake has weights at hand. Ingest folders with .safetensors or .gguf '
    "files: <code>lake ingest ~/models</code>.</p>"
)


def build_compare(page: gr.Blocks, actions: PageActions) -> None:
    """Two choices, a button, and the comparison."""
    catalog = actions.assistant.lake.catalog
    names = list_weighed(catalog)
    with gr.Column(elem_classes="lake-form"):
        with gr.Row():
            first = gr.Dropdown(names, value=None, label="First model", elem_id="compare-a", filterable=True)
            second = gr.Dropdown(
                names, value=None, label="Second model", elem_id="compare-b", filterable=True
            )
            button = gr.Button("Compare", variant="primary", elem_id="compare-go", scale=0, min_width=120)
        shown = gr.HTML(
            _EMPTY if names else _NONE,
            elem_id="compare-shown",
            elem_classes="lake-shown",
            apply_default_css=False,
        )

    async def compare(a: str | None, b: str | None, request: gr.Request) -> AsyncIterator[str]:
        try:
            if not a or not b:
                raise UsageError("Two models are needed.", hint="Choose one on each side.")
            actions.charge(request)
            yield f'<p class="waiting">Opening the weights of <bdi>{escape(a)}</bdi> and {escape(b)} …</p>'
            yield await asyncio.to_thread(_compare, actions, a, b)
        except LakeError as error:
            yield render_trouble(error)

    button.click(
        compare, [first, second], shown, api_visibility="private", show_progress="hidden", concurrency_limit=2
    )
    page.load(
        lambda: [gr.Dropdown(list_weighed(catalog))] * 2, None, [first, second],
        api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _compare(actions: PageActions, a: str, b: str) -> str:
    """Of models of the lake only: a page's visitor names no folders of this machine."""
    from tools.catalog.names import resolve_model
    from tools.comparing.places import find_place
    from tools.comparing.report import compare_places

    catalog = actions.assistant.lake.catalog
    names = [resolve_model(catalog, name) for name in (a, b)]
    if names[0] == names[1]:
        raise UsageError(f"Both are {names[0]!r}.", hint="Choose two models.")
    return render_comparison(compare_places(*(find_place(catalog, name) for name in names)))
