"""Model cards: parsing Markdown and front matter into sections, passages, tables, results and parents."""
