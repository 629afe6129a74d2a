"""Mutation testing: small faults put into the product one at a time, and whether the tests see them.

`python -m benchmarks.mutants [--sample N] [--seed S] [group ...]`, or `make mutants`, draws mutants of each
group of modules (`groups.py`), runs the group's tests against each, and writes `build/mutants/<group>.json`;
`--survivors` tries again only those that survived there, `--table` prints what is there as a table.

mutmut 3 changes bodies of undecorated functions alone, and cosmic-ray starts Python anew for every mutant.
Here much is decided by validators, by tables and by fields of classes, and two cores have to do.
"""
