"""The Segment tab: label a scan with a network."""
