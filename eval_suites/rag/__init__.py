"""Question answering over the language reference: a BM25 retriever and an extractive answerer."""
