"""Corrective action."""
