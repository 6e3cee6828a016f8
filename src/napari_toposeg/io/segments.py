"""The DICOM segmentation object: segments with names, coded concepts and what made them.

The one idea: a concept is taken from the dictionary by a class's whole name or not at all; one that
is guessed would be worse than "tissue".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

SERIES_NUMBER = 9000
"""Far above those of scans. That of the scan is not used: some exports write the patient there."""
PLURAL = {"vessels": "BloodVessel", "vessel": "BloodVessel", "airway": "AirwayStructure"}
"""Names that the dictionary of concepts has in another form."""


@dataclass(frozen=True)
class MadeBy:
    """What made the labels.

    Parameters
    ----------
    name
        Name of the algorithm or model; empty for labels that a person drew.
    version
        Its version.
    """

    name: str = ""
    version: str = ""


def build(
    headers: Sequence["Dataset"],
    planes: NDArray[np.uint8],
    names: Sequence[str],
    made_by: MadeBy | None,
) -> Any:
    """Return the segmentation object of segment numbers on the slices of a series."""
    import highdicom

    known = made_by or MadeBy()
    return highdicom.seg.Segmentation(
        source_images=headers,
        pixel_array=planes,
        segmentation_type="BINARY",
        segment_descriptions=[
            describe(number, name, known) for number, name in enumerate(names, start=1)
        ],
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="napari-toposeg",
        manufacturer_model_name=known.name[:64] or "napari-toposeg",
        software_versions=version("napari-toposeg"),
        device_serial_number="0",
        content_label="SEGMENTATION",
        content_description="Research use only",
        series_description="Segmentation, research use only",
    )


def describe(number: int, name: str, made_by: MadeBy) -> Any:
    """Return the description of a segment: its name, its concept, and what made it."""
    import highdicom

    category, kind = concept_of(name)
    algorithm = None
    if made_by.name:
        from pydicom.sr.codedict import codes

        algorithm = highdicom.AlgorithmIdentificationSequence(
            name=made_by.name[:64],
            version=made_by.version[:64] or "unknown",
            family=codes.DCM.ArtificialIntelligence,
        )
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="AUTOMATIC" if made_by.name else "MANUAL",
        algorithm_identification=algorithm,
    )


def names_of(present: Sequence[int], classes: Mapping[int, str] | None) -> list[str]:
    """Return a name for each label, as long as a segment's may be."""
    known = classes or {}
    return [(known.get(label) or f"label {label}")[:64] for label in present]


def concept_of(name: str) -> tuple[Any, Any]:
    """Return category and type, SNOMED CT concepts, of a class by its whole name.

    What the dictionary of segmentation property types (CID 7151) does not know by that very name
    is "tissue": a concept that is guessed would be worse than a general one.
    """
    from pydicom.sr.codedict import codes

    key = PLURAL.get(name.lower(), "".join(word.capitalize() for word in name.split()))
    kinds = codes.cid7151.concepts
    found = kinds.get(key) or kinds.get(key.removesuffix("s"))
    if found is None:
        return codes.SCT.Tissue, codes.SCT.Tissue
    lesions = codes.cid7159.concepts.values()
    if any(found.value == lesion.value for lesion in lesions):
        return codes.SCT.MorphologicallyAbnormalStructure, found
    return codes.SCT.AnatomicalStructure, found


def described(segmentation: Any) -> list[tuple[int, Any]]:
    """Return the segments of an object by number."""
    numbers = segmentation.segment_numbers
    return [(int(n), segmentation.get_segment_description(n)) for n in numbers]
