"""Real photographs of a ColorChecker: finding it, and characterising a camera by it.

`python -m benchmarks.colorchecker [--json]` reads HALLMARK_DATA/colorchecker.
"""
