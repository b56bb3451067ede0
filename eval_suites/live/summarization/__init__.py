"""Summaries of sections, by a language model."""
