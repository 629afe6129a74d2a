"""What was agreed: the specification, the defect catalogue, decision rules, the sealed bundle.

Start at `spec.GoldenSpec` (what is written), `conformity.decide` (how a value is judged),
`bundle` (one deterministic file) and `seal` (who signed it, and whether it still holds).
"""
