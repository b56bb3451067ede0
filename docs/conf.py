"""Sphinx: the pages of this folder, the reference from docstrings, and the notebook, as a site.

``nox -s docs`` builds it. Pages stay plain Markdown that reads well where it stands: what a site needs beyond that is
done here, while they are read.
"""

import re
from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "pytest-genaiops"
release = metadata.version("pytest-genaiops")
copyright = "the authors of pytest-genaiops"  # noqa: A001 - Sphinx's name for it

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"pytest-genaiops {release}"
html_copy_source = False
html_show_sphinx = False

_TITLED = re.compile(r'^```(\w+) title="([^"]+)"$', re.MULTILINE)
_OUTSIDE = re.compile(r"\]\((\.\./[^)#:]+)\)")


def _fit(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make a block's title its caption, and a link to a file outside of this folder a download."""
    folder = (HERE / docname).parent

    def outside(link: re.Match[str]) -> str:
        inside = (folder / link[1]).resolve().is_relative_to(HERE)
        return link[0] if inside else f"](path:{link[1]})"

    source[0] = _OUTSIDE.sub(outside, _TITLED.sub(r"```{code-block} \1\n:caption: \2\n", source[0]))


def setup(app: Sphinx) -> None:
    """Have pages fitted as they are read."""
    app.connect("source-read", _fit)
