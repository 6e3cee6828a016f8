"""Crops for training measured: how fast, in how much memory, and whether a step waits for them."""
