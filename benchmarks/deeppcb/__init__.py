"""The released model on pairs in DeepPCB's layout, with the data set's own evaluation."""
