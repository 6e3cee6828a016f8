"""The page Annotate: slices are painted, found, suggested and kept."""
