"""Prompts in Microsoft's ``.prompty`` format, versions 1 and 2 (https://github.com/microsoft/prompty).

The specification, its schema, its documentation and the programs that read it contradict one another; what they
all mean is read, whichever of them a file follows. docs/variants.md lists what that comes to.
"""

from pytest_genaiops.variants.prompty.load import SUFFIX, load_prompty, sample_dataset

__all__ = ["SUFFIX", "load_prompty", "sample_dataset"]
