"""German sentences, by a language model."""
