"""Sphinx builds the documentation from Markdown; warnings are errors (`make docs`)."""

import sys
from pathlib import Path

from clausal.dsl.version import __version__

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "Clausal"
author = "The Clausal authors"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "diagnostics",
    "policy_lexer",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["extensions"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Signatures name types of other libraries, and inner ones that have no page; both read well as text.
nitpick_ignore_regex = [("py:.*", ".*")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
highlight_language = "text"

html_theme = "furo"
html_title = f"Clausal {release}"
html_show_copyright = False
