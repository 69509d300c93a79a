"""The Audit view: a model of the lake, or a visitor's own card or folder, beside what is wrong in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal, cast

import gradio as gr

from assistant.page.actions import PageActions
from assistant.page.escape import escape
from assistant.page.views.audit_report import render_report, summarize_report
from assistant.page.views.audit_upload import audit_files
from assistant.page.views.models import list_all, render_trouble
from assistant.page.views.uploads import render_drop, sort_files
from tools.errors import LakeError, UsageError

_EMPTY = (
    '<p class="hint">Choose a model, or give a card of your own. You see its text with the faulty lines '
    "marked, and beside them what is wrong, what that stands on, and how to mend it.</p>"
)
_NONE = (
    '<p class="hint">This lake is empty, but a card of your own can be audited: give a README.md or a '
    "model's folder above.</p>"
)
_PROFILES = [("Hugging Face Hub", "hub"), ("Hub and EU documentation form", "eu")]
_SECONDS = 20.0  # for weighing declared parents

# What the visitor looks at: a model's name, or the places of files that were given.
Shown = tuple[Literal["model", "files"], Any]


def build_audit(page: gr.Blocks, actions: PageActions) -> None:
    """A choice, a place to drop files at, and the report."""
    catalog = actions.assistant.lake.catalog
    names = list_all(catalog)
    with gr.Column(elem_classes="lake-form lake-audit"):
        with gr.Row():
            model = gr.Dropdown(names, value=None, label="Model", elem_id="audit-model", filterable=True)
            profile = gr.Radio(_PROFILES, value="hub", label="Rules of", elem_id="audit-profile")
            button = gr.Button("Audit", variant="primary", elem_id="audit-go", scale=0, min_width=120)
        gr.HTML(
            render_drop("audit-upload", actions.assistant.most_upload_bytes),
            elem_id="audit-drop",
            apply_default_css=False,
            js_on_load=None,
        )
        upload = gr.File(
            file_count="multiple",
            visible="hidden",
            elem_id="audit-upload",
            label="Your card or folder",
        )
        said = gr.HTML(
            "",
            elem_id="audit-said",
            elem_classes="sr",
            apply_default_css=False,
            js_on_load="element.setAttribute('role', 'status')",
        )
        shown = gr.HTML(
            _EMPTY if names else _NONE,
            elem_id="audit-shown",
            elem_classes="lake-shown",
            apply_default_css=False,
            js_on_load=None,
        )
    last = gr.State(None)

    async def show(given: Shown | None, profile: str, request: gr.Request) -> AsyncIterator[tuple[str, str]]:
        try:
            rules = _read_profile(profile)
            if given is None or not given[1]:
                raise UsageError("Nothing is chosen.", hint="Choose a model, or give a card of your own.")
            actions.charge(request)
            waiting = f"Auditing {given[1]} …" if given[0] == "model" else "Auditing your files …"
            yield f'<p class="waiting">{escape(waiting)}</p>', escape(waiting)
            yield await asyncio.to_thread(_audit, actions, given, rules)
        except LakeError as error:
            yield render_trouble(error), ""

    async def audit(
        name: str | None, profile: str, request: gr.Request
    ) -> AsyncIterator[tuple[str, str, Any]]:
        given: Shown | None = ("model", name) if name else None
        async for html, told in show(given, profile, request):
            yield html, told, given

    async def take(
        files: list[str] | None, profile: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        given: Shown = ("files", [str(path) for path in files or []])
        async for html, told in show(given, profile, request):
            yield html, told, given, None, None  # the fields are free for the next

    async def judge_anew(
        given: Shown | None, profile: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        if given is None:
            yield gr.skip(), gr.skip()
            return
        async for html, told in show(given, profile, request):
            yield html, told

    quiet: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": 2,
        "concurrency_id": "audit",
    }
    button.click(audit, [model, profile], [shown, said, last], api_name="page_audit", **quiet)
    upload.upload(
        take, [upload, profile], [shown, said, last, upload, model], api_name="page_audit_files", **quiet
    )
    profile.input(
        judge_anew,
        [last, profile],
        [shown, said],
        api_name="page_audit_anew",
        trigger_mode="always_last",
        **quiet,
    )
    page.load(
        lambda: gr.Dropdown(list_all(catalog)), None, [model],
        api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _audit(actions: PageActions, given: Shown, profile: Literal["hub", "eu"]) -> tuple[str, str]:
    """The report as HTML, and as a sentence. Of this machine only models of the lake can be named."""
    from tools.audit import audit_model
    from tools.catalog.names import resolve_model

    lake = actions.assistant.lake
    kind, what = given
    if kind == "model":
        name = resolve_model(lake.catalog, what)
        report = audit_model(lake, name, profile=profile, seconds=_SECONDS)
        return render_report(report, title=name), escape(summarize_report(report, name))
    files = sort_files(what, most_bytes=actions.assistant.most_upload_bytes)
    report = audit_files(lake.catalog, files, profile)
    return render_report(report, title=files.title, left_out=files.left_out), escape(
        summarize_report(report, files.title)
    )


def _read_profile(profile: str) -> Literal["hub", "eu"]:
    if profile not in ("hub", "eu"):
        raise UsageError(f"{profile!r} is no set of rules.", hint="Choose hub or eu.")
    return cast(Literal["hub", "eu"], profile)
