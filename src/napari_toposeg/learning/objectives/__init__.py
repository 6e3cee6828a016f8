"""Self-supervised objectives, one a file."""
