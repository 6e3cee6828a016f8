"""The Reconstruct tab: what a pretrained network rebuilds."""
