"""Dimensions on real photographs: euro coins beside a printed chessboard, mounting holes of scanned boards.

`python -m benchmarks.photographs [--json] [--out PICTURE.png]`. The coins are read from
HALLMARK_DATA/coins and are left out where that is not set; the boards are part of the project.
"""
