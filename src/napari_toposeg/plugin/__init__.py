"""The dock, its tabs, and napari's readers and writers: the only floor with Qt."""
