"""A zoo of small models with a known family tree: really trained, then derived and disguised.

It measures what `lake recover` finds (`lake eval lineage`), and made the sample lake's weights. What lies in
this package needs torch, and only it does; the product itself never imports it.
"""
