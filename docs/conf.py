"""How the documentation is built: Sphinx reads the Markdown of this folder."""

from __future__ import annotations

project = "Trustworks"
author = "The Trustworks authors"
copyright = "The Trustworks authors, Apache-2.0"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
# Files of the repository that a page links to (a README, a source file) are no pages.
suppress_warnings = ["myst.xref_missing"]
html_theme = "alabaster"
html_theme_options = {
    "description": "The trustworthy systems of a trust service provider",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
    "font_family": 'system-ui, -apple-system, "Segoe UI", sans-serif',
    "head_font_family": 'system-ui, -apple-system, "Segoe UI", sans-serif',
    "code_font_family": 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
}
html_show_sourcelink = False
