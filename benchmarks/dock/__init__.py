"""What the dock does for a person, measured: what painted slices teach, how it answers."""
