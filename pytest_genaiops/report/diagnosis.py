"""What completeness and utilization say together about a retriever and a prompt.

Source: Azure Architecture Center, "Design and develop a RAG solution: LLM end-to-end evaluation", whose table this is.
"""

from __future__ import annotations

from collections.abc import Mapping

LOW = 0.5
"""Below the middle of 0-1 either counts as low. The guide sets no number; which one is right depends on the metric."""

_MENDS: Mapping[tuple[bool, bool], str] = {
    (True, True): (
        "questions are not fully answered, and the chunks are hardly used; give chunks more context (a larger chunk "
        "size where it is fixed), and tune the prompt"
    ),
    (True, False): (
        "the chunks are used, but do not answer the questions in full; give chunks more context, raise top-k, look for "
        "chunks that should have been returned and were not, and check whether the embedding model fits the vocabulary"
    ),
    (False, True): "the questions are answered, but irrelevant chunks were returned as well; lower top-k",
}


def diagnosis(completeness: float, utilization: float) -> str:
    """What to change, in a sentence with both numbers; empty where neither is low. Both on 0-1."""
    low = completeness < LOW, utilization < LOW
    if not any(low):
        return ""
    words = [
        f"{value:.2f} ({'low' if is_low else 'high'})"
        for value, is_low in zip((completeness, utilization), low, strict=True)
    ]
    return f"completeness {words[0]} with utilization {words[1]}: {_MENDS[low]}"
