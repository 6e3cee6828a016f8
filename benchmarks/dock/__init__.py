"""What the dock does for a person, measured: how well a few painted slices teach, how it answers."""
