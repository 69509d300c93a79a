"""Pictures of what was found: a lineage as a graph, two models as a map of where they differ.

Each takes the document that the commands print (`tools.lineage.report`, `tools.comparing.report`), so that a
picture never shows more than can be cited.
"""

from tools.plots.comparison import draw_comparison_png
from tools.plots.lineage_html import draw_lineage_html
from tools.plots.lineage_png import draw_lineage_png

__all__ = ["draw_comparison_png", "draw_lineage_html", "draw_lineage_png"]
