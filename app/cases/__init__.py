"""Stock cases (存量案件): one case, one plan (一案一策), three tracks from the register to the last yuan returned."""
