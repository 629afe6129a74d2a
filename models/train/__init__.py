"""Training of the released model. Needs torch, which only `.venv-train` has; no other room imports it."""
