"""What was agreed: the specification, the defect catalogue, decision rules, the sealed bundle.

Start at `spec.GoldenSpec` (what is written), `catalogue` (what a deviation is, alone and together with
others), `authoring` (from YAML), `conformity` (how a value is judged and at which risk), `uncertainty` (what
a value's uncertainty is made of), `bundle` (one deterministic file), `seal` and `keys` (who signed it), and
`sample.GoldenSample` (a bundle whose seal holds, the only thing that may judge). `errors` draws what can be
wrong.
"""
