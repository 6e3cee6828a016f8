"""Reports: numbers and volumes in, pictures and pages out; neither torch nor Qt."""

from napari_toposeg.reports.case_page import Case, Judged, write_case_page
from napari_toposeg.reports.closeups import ErrorView, plot_closeups
from napari_toposeg.reports.colours import BETTI_MARKS, CLASS_COLOURS, class_colour
from napari_toposeg.reports.diagrams import plot_diagram, plot_diagrams
from napari_toposeg.reports.page import Report, Section, Table, plain, write_page, write_report
from napari_toposeg.reports.previews import plot_preview
from napari_toposeg.reports.slices import Overlay, Panel, plot_slices

__all__ = [
    "BETTI_MARKS",
    "CLASS_COLOURS",
    "Case",
    "ErrorView",
    "Judged",
    "Overlay",
    "Panel",
    "Report",
    "Section",
    "Table",
    "class_colour",
    "plain",
    "plot_closeups",
    "plot_diagram",
    "plot_diagrams",
    "plot_preview",
    "plot_slices",
    "write_case_page",
    "write_page",
    "write_report",
]
