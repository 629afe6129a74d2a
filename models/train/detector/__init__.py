"""Training of crop detectors from prepared pairs. Needs torch, which only `.venv-train` has."""
