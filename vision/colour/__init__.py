"""Colour of a unit's regions: read in the raw frame, compared with the golden sample, with uncertainty."""
