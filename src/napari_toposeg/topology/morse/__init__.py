"""Persistence by discrete Morse theory: gradients of images, critical cells, and their pairs.

The rooms of the engine behind `cubical`: `engine` is where to begin reading.
"""
