"""Recovering the lineage of many models: fingerprints, candidates, families and their trees."""
