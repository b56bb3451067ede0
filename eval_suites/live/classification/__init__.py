"""Subjects of reports, by a language model."""
