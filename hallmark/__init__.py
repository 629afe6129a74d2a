"""The front door: command line, settings, demo, replay. The only place that wires rooms together."""
