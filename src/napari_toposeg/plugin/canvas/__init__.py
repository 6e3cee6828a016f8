"""Volumes as layers, and what is marked in the view."""
