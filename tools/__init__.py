"""The domain of model lakes: catalog, cards, search, evidence and verification.

Nothing here knows a language model or a user interface, and nothing here imports `assistant`.
"""
