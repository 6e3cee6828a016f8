"""Pieces that several tabs are built of."""
