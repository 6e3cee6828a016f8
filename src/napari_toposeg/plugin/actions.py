"""What the buttons do, as plain functions that a notebook or a script can call as well.

The one idea: a ``*_run`` is a generator for the background, a ``show_*`` puts its result into the
viewer on the main thread, and a ``*_layer`` does one after the other and waits. Each tab's own
stand in its folder; here they are together.
"""

from napari_toposeg.plugin.canvas.marks import (
    jump_to,
)
from napari_toposeg.plugin.canvas.planes import set_plane
from napari_toposeg.plugin.canvas.saving import save_layer
from napari_toposeg.plugin.case.actions import (
    cut_out,
    make_phantom,
    open_case,
    open_sample,
    set_modality,
    set_window,
)
from napari_toposeg.plugin.exporting.actions import (
    export_dicom_seg,
    measure_classes,
)
from napari_toposeg.plugin.exporting.case_report import (
    report_run,
)
from napari_toposeg.plugin.exporting.tables import (
    classes_table,
    edits_table,
    errors_table,
    features_table,
    numbers_table,
    write_csv,
)
from napari_toposeg.plugin.finetune.actions import (
    accept_guess,
    annotation_from_mask,
    annotation_of,
    copy_slice,
    export_with_card,
    fill_slice,
    finetune_layer,
    go_to_suggestion,
    guess_slices,
    new_annotation,
    refuse_guess,
    set_classes,
    show_guess,
    suggest_slices,
)
from napari_toposeg.plugin.finetune.annotate.kept_annotations import (
    find_kept,
    read_kept,
)
from napari_toposeg.plugin.finetune.train.run import (
    discard,
    finetune_run,
    keep_best,
)
from napari_toposeg.plugin.reconstruct.actions import (
    KeptTopology,
    compare_models,
    compare_models_run,
    feature_fates,
    kept_topology,
    kept_topology_run,
    reconstruct_layer,
    reconstruct_run,
    show_contest,
    show_patch_grid,
    show_reconstruction,
    show_side_by_side,
    suggest_threshold,
)
from napari_toposeg.plugin.restoring.actions import open_session, save_session
from napari_toposeg.plugin.segment.actions import (
    class_colormap,
    compare_segmentations,
    compare_segmentations_run,
    segment_layer,
    segment_run,
    show_duel,
    show_segmentation,
)
from napari_toposeg.plugin.topology.actions import (
    compare_layers,
    diagram_layer,
    list_classes,
    repair_layer,
    show_features,
)
from napari_toposeg.plugin.topology.diagram.layer_diagram import (
    run_diagram,
)

__all__ = [
    "KeptTopology",
    "accept_guess",
    "annotation_from_mask",
    "annotation_of",
    "class_colormap",
    "classes_table",
    "compare_layers",
    "compare_models",
    "compare_models_run",
    "compare_segmentations",
    "compare_segmentations_run",
    "copy_slice",
    "cut_out",
    "diagram_layer",
    "discard",
    "edits_table",
    "errors_table",
    "export_dicom_seg",
    "export_with_card",
    "feature_fates",
    "features_table",
    "fill_slice",
    "find_kept",
    "finetune_layer",
    "finetune_run",
    "go_to_suggestion",
    "guess_slices",
    "jump_to",
    "keep_best",
    "kept_topology",
    "kept_topology_run",
    "list_classes",
    "make_phantom",
    "measure_classes",
    "new_annotation",
    "numbers_table",
    "open_case",
    "open_sample",
    "open_session",
    "read_kept",
    "reconstruct_layer",
    "reconstruct_run",
    "refuse_guess",
    "repair_layer",
    "report_run",
    "run_diagram",
    "save_layer",
    "save_session",
    "segment_layer",
    "segment_run",
    "set_classes",
    "set_modality",
    "set_plane",
    "set_window",
    "show_contest",
    "show_duel",
    "show_features",
    "show_guess",
    "show_patch_grid",
    "show_reconstruction",
    "show_segmentation",
    "show_side_by_side",
    "suggest_slices",
    "suggest_threshold",
    "write_csv",
]
