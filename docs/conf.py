"""Sphinx builds the documentation from Markdown; warnings are errors (`make docs`)."""

from clausal.dsl.version import __version__

project = "Clausal"
author = "The Clausal authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Policy files have no highlighter of their own; a plain block is better than a wrong one.
highlight_language = "text"

html_theme = "furo"
html_title = f"Clausal {release}"
