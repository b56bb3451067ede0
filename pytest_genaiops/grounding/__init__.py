"""What a RAG system answers from: builds of its indexes, probes of what they hold, and checks of its chunks."""
