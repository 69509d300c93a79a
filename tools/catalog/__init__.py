"""The catalog of a lake: what models, cards, papers and results it holds."""
