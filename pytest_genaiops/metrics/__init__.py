"""Metrics: one file per family, each on the contract of ``base``."""
