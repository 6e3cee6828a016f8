"""Display windows for CT, in Hounsfield units.

Level and width as radiology departments commonly set them; stored as the two ends.
"""

WINDOWS: dict[str, tuple[float, float]] = {
    "lung": (-1350.0, 150.0),
    "mediastinum": (-160.0, 240.0),
    "abdomen": (-110.0, 190.0),
    "liver": (-45.0, 105.0),
    "bone": (-450.0, 1050.0),
    "brain": (0.0, 80.0),
    "stroke": (20.0, 60.0),
    "vessels": (-100.0, 700.0),
    "full range": (-1024.0, 3071.0),
}
"""Name to ``(low, high)`` in HU: what is shown black and what is shown white."""
