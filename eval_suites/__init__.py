"""Merge gates over real programs and real outputs; see docs/suites.md."""
