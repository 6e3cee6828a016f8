"""Networks, losses and runs: the only floor with torch."""
