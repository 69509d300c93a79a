"""Data files shipped with the product."""
