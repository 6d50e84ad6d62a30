"""Measurements: each module is a command, and ``README.md`` holds what they printed."""
