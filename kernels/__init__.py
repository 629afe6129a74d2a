"""The numeric heart: sub-pixel edges, patch tracking, light, colour difference, surface comparison.

Arrays in, arrays out; nothing here knows what a golden sample is. Kernels are compiled by numba for one
thread and cached; `python -m kernels` compiles all of them, as set-up does.
"""
