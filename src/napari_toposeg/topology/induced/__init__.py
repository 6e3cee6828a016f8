"""Image persistence, and the matching of two barcodes that it induces: the engine of `matching`.

`comparison` is where to begin reading.
"""
