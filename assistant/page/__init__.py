"""The chat page. `actions` is what can be done in it, `layout` its components; everything else makes HTML."""
