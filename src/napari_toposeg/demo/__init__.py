"""The demo: one scan opened, rebuilt, segmented, its topology shown; headless or in the dock."""
