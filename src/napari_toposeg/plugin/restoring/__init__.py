"""Sessions: what was open is kept, and comes back."""
