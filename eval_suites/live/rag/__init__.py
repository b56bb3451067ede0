"""Answers from retrieved passages, by a language model."""
