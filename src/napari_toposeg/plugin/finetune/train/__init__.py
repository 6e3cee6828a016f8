"""The page Train: a network is trained on them, and compared with the one before."""
