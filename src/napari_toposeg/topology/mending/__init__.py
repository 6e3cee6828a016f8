"""The steps of a repair: joining, cutting, filling and supplying; the kernels behind `repairs`.

`repairing` is where to begin reading.
"""
