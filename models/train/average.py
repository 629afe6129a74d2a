"""The running average of a network's weights, which every fit keeps and releases."""

from __future__ import annotations

import torch
from torch import nn


def blend(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the average, its normalisation's statistics too, towards the network."""
    with torch.no_grad():
        for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.mul_(keep).add_(new, alpha=1 - keep)
            else:
                old.copy_(new)
