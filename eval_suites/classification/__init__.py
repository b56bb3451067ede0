"""Sorting short reports about Python by subject."""
