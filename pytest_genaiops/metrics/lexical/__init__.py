"""Words, sentences and overlap: what the metrics without a model see of a text."""
