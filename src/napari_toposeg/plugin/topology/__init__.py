"""The Topology tab: diagrams, errors and their repair, linked with the voxels."""
