"""Keeping bytes: received in a stream, told by their content, sealed at rest, used exactly once."""
