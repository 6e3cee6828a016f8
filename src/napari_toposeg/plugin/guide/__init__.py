"""The first steps: what a new user does first, and where."""
