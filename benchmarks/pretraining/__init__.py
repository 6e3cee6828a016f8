"""Pretraining measured: the speed of a step, every objective side by side, what each term does."""
