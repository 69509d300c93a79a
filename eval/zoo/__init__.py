"""A zoo of small models with a known family tree: really trained, then derived and disguised in every way.

It measures what `lake recover` finds (`lake eval lineage`), and made the sample lake's weights. Only what lies
in this package needs torch, and only here; the product itself never imports it.
"""
