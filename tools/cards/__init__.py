"""Model cards: parsing Markdown and front matter into sections, passages, tables, results and parents."""

from tools.cards.front_matter import FrontMatter, parse_front_matter
from tools.cards.parsing import parse_card

__all__ = ["FrontMatter", "parse_card", "parse_front_matter"]
