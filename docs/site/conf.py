"""Sphinx configuration of the site. build.py copies this file beside the pages and passes version and paths in the environment."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

project = "rhoflux"
author = "The rhoflux developers"
project_copyright = copyright = author  # the second is the name that Sphinx before 7 knows
version = release = os.environ.get("RHOFLUX_DOCS_VERSION", "")

extensions = ["myst_parser", "breathe", "mathml"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
highlight_language = "none"
nitpicky = False

breathe_projects = {"rhoflux": os.environ["RHOFLUX_DOCS_XML"]}
breathe_default_project = "rhoflux"
breathe_default_members = ("members",)
breathe_show_include = False
# The attributes by which Kokkos marks functions of kernels; Doxygen expands them to these names.
cpp_id_attributes = ["KOKKOS_INLINE_FUNCTION", "KOKKOS_FUNCTION"]

html_math_renderer = "mathml"
html_theme = "alabaster"
html_theme_options = {
    "description": "density and drift of a population, learned as one model",
    "page_width": "1260px", "sidebar_width": "230px", "fixed_sidebar": True, "sidebar_collapse": True, "show_powered_by": False}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_static_path = ["style"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
