"""The Case tab: open a scan and see how it lies."""
