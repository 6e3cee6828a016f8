"""Masks as bits and runs: counting them, joining them, and what flipping parts of them does.

The kernels behind `betti` (`counting`) and `defects` (`effects`).
"""
