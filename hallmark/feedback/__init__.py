"""How a model gets better without changing a verdict silently.

`calls` turns what people confirm or correct into training pairs, `shadow` tells which verdicts a new model
would change on stored frames. `stations.model_registry` then takes what a person signs, and takes it back.
"""
