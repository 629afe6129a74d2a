"""Run in .venv-train: release a network with random weights, with its logits for an oblong pair."""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.train.export import run, write_release
from models.train.network import build

folder, classes = Path(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(11)
torch.set_num_threads(1)
network = build(classes)
for module in network.modules():
    if isinstance(module, nn.BatchNorm2d):  # as different from the identity as after training
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias, std=0.3)
        nn.init.normal_(module.running_mean, std=0.3)
        nn.init.uniform_(module.running_var, 0.5, 2.0)
rng = np.random.default_rng(12)
small, wide = (rng.integers(0, 256, (n, side, side, 6), np.uint8) for n, side in ((1100, 32), (20, 96)))
write_release(network, small, wide, folder)
oblong = rng.integers(0, 256, (3, 64, 160, 6), np.uint8)
np.savez(folder / "oblong.npz", pair=oblong, logits=run(network, oblong))
