"""The front door: command line, settings, demo, replay, and where a model's units are drawn (`training`).

The only place that wires rooms together.
"""
