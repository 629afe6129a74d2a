"""Studies: what an inspection detects, and whether it agrees with people."""
