"""Summaries of sections of the language reference."""
