"""The best pairing of the points of two diagrams: the kernels behind `distances`.

`assignment` is where to begin reading.
"""
