"""Suites that print figures; not part of the wheel."""
