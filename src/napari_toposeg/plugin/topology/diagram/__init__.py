"""The page Diagram: features of a layer, linked with the voxels."""
