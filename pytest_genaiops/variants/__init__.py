"""Variants: prompts, parameters and retrieval keys to compare, from YAML files or code."""

from pytest_genaiops.variants.find import select
from pytest_genaiops.variants.plain import bare, from_mapping, load_variant
from pytest_genaiops.variants.variant import Variant, check_inputs

__all__ = ["Variant", "bare", "check_inputs", "from_mapping", "load_variant", "select"]
