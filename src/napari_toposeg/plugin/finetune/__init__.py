"""The Fine-tune tab: annotate slices, and train on them."""
