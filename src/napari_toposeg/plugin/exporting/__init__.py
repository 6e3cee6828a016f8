"""Exports: what was found leaves as files: masks, tables, a report."""
