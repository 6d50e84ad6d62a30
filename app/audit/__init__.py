"""Who did what: rows written with the deed, sealed into a hash chain in the background."""
