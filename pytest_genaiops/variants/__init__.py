"""Variants: prompts, parameters and retrieval keys to compare, from YAML files or code."""

from pytest_genaiops.variants.chain import Call, Chain
from pytest_genaiops.variants.difference import Change, difference
from pytest_genaiops.variants.find import FOLDER, files, select
from pytest_genaiops.variants.load import load_variants
from pytest_genaiops.variants.plain import bare, from_mapping
from pytest_genaiops.variants.prompty import SUFFIX as PROMPTY
from pytest_genaiops.variants.prompty import sample_dataset
from pytest_genaiops.variants.variant import Variant, check_inputs

__all__ = [
    "FOLDER",
    "PROMPTY",
    "Call",
    "Chain",
    "Change",
    "Variant",
    "bare",
    "check_inputs",
    "difference",
    "files",
    "from_mapping",
    "load_variants",
    "sample_dataset",
    "select",
]
