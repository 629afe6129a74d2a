"""Real photographs of a ColorChecker: finding it, and characterising a camera by it.

`python -m benchmarks.colorchecker [--json] [--drawn 200] [--out SHEET.jpg]` reads HALLMARK_DATA/colorchecker.
"""
