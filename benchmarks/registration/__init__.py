"""Registration beside ECC, SIFT and ORB, and trials that look for silent failures."""
