"""One ``.prompty`` file to a variant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset import from_rows
from pytest_genaiops.dataset.text import listed, place, printable, quoted
from pytest_genaiops.dataset.yaml_tree import parse
from pytest_genaiops.errors import DatasetError, VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.files import read_bytes, read_text
from pytest_genaiops.variants.prompt import Block, Input, Message, Prompt
from pytest_genaiops.variants.prompty import inputs as declarations
from pytest_genaiops.variants.prompty.front_matter import Document, split
from pytest_genaiops.variants.prompty.model import settings
from pytest_genaiops.variants.prompty.mustache import to_jinja
from pytest_genaiops.variants.roles import THREAD
from pytest_genaiops.variants.template import compile_fault
from pytest_genaiops.variants.variant import Variant, hash_of

_FILE = re.compile(r"\$\{file:(.*)\}", re.IGNORECASE | re.DOTALL)
_FORMATS = ("jinja2", "mustache")
_ONE_TEXT = "completion"
_NO_CHAT = ("embedding", "image")
