"""The pages Errors and Repair: what is wrong with a label map, where, and what mends it."""
