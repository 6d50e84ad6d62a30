"""Handling: which state a tip is in, whose it is, which clock runs, and how it moves from one unit to another."""
