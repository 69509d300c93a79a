"""Drafting a model card from evidence: every statement cited, every gap said.

`draft_card` is the whole of it; the template is the Hub's annotated model card
(https://huggingface.co/docs/hub/model-card-annotated).
"""

from tools.draft.drafting import describe_draft, draft_card
from tools.draft.types import FORMATS, Draft, DraftFormat, SectionWriter, SlotDraft, Statement

__all__ = [
    "FORMATS",
    "Draft",
    "DraftFormat",
    "SectionWriter",
    "SlotDraft",
    "Statement",
    "describe_draft",
    "draft_card",
]
