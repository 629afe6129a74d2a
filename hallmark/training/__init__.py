"""Where a classifier's training and test units are made: drawn, captured, aligned as a station would.

`pairs` draws them, `evaluate` inspects unseen ones with a released model. Fitting itself is `models.train`.
"""
