"""The comparison: ways to train, on few labels and many, judged on the same cases, in one table."""
