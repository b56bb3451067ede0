"""The four tasks once more, answered by a real language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import os

VARIABLE = "GENAIOPS_LIVE_URL"
"""Environment variable that says where the model is; the variants of these suites name it, too."""
MODEL = "smollm2-135m"
"""The model that the variants name."""


def missing() -> str:
    """Why these suites cannot run, in one line; empty where they can."""
    if os.environ.get(VARIABLE):
        return ""
    return f"no model is named: {VARIABLE} is not set; `nox -s live` starts one and runs these suites"
