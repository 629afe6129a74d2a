"""Presence, identity and print on real pictures of a populated board.

`python -m benchmarks.uno [DIR] [--characters] [--json]` reads HALLMARK_DATA/uno: a golden picture of an
Arduino Uno and two later placements, c and d, of the same board. A golden sample with 36 components and 17
prints is made of the first and inspects the others as they are, then with edits of their own pixels: a
component removed, another in its place, one shifted by 1 mm or turned, a character changed, a scratch, a
print in another ink. `--characters` changes every character of the prints instead. Components were tuned on c
alone.

With DIR the edited pictures are written there as one contact sheet for each placement. The pictures state no
licence: they are not part of the project, nor are the sheets.
"""
