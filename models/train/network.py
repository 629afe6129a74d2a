"""The network: a small U-Net that compares two pictures and gives each cell one logit per class.

About half a million parameters and 0.2 G multiply-adds per crop of 256 x 256 pixels. Made of operators that
both onnxruntime and the ONNX reference evaluator have.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MIDDLE, _SPREAD = 0.45, 0.25  # of a colour picture's values in [0, 1], about
_DIFFERENCE_SPREAD = 0.12  # of unit minus golden where something differs, about


class _Halving(nn.Sequential):
    """Convolution that halves height and width, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _Patches(nn.Sequential):
    """Each cell of 4 x 4 pixels becomes one vector, which keeps all that is in it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 4, 4, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )


class _Residual(nn.Module):
    """Adds what a convolution finds; `reach` is the convolution's dilation."""

    def __init__(self, channels: int, reach: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach, bias=False)
        self.normalisation = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.normalisation(self.convolution(x)))


class _Up(nn.Module):
    """Brings a coarse map to the next finer level and joins it with that level's own map."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, outputs, 1, bias=False)
        self.fine = nn.Conv2d(fine, outputs, 1, bias=False)
        self.join = nn.BatchNorm2d(outputs)
        self.refine = _Residual(outputs)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        reduced = self.coarse(coarse)
        # the same values: one keeps channels last while fitting, the other needs no `Resize` in the export
        doubled = nn.functional.interpolate(reduced, scale_factor=2.0) if self.training else _doubled(reduced)
        joined = doubled + self.fine(fine)
        return self.refine(torch.relu(self.join(joined)))


def _doubled(x: Tensor) -> Tensor:
    """Return each value as 2 x 2 equal ones: nearest upsampling, without the rules of `Resize`."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h, 1, w, 1).expand(n, c, h, 2, w, 2).reshape(n, c, 2 * h, 2 * w)


class Network(nn.Module):
    """uint8 pairs (n, h, w, 6), golden RGB then unit RGB -> float32 logits (n, k, h / 4, w / 4).

    h and w are multiples of 32. All normalisation is inside.
    """

    def __init__(self, classes: int) -> None:
        """Make a network with random weights; seed torch before."""
        super().__init__()
        self.quarter = nn.Sequential(_Patches(9, 32), _Residual(32))
        self.eighth = nn.Sequential(_Halving(32, 48), _Residual(48))
        self.sixteenth = nn.Sequential(_Halving(48, 80), _Residual(80))
        self.context = nn.Sequential(_Halving(80, 112), _Residual(112), _Residual(112, reach=2))
        self.up_sixteenth = _Up(112, 80, 64)
        self.up_eighth = _Up(64, 48, 48)
        self.up_quarter = _Up(48, 32, 32)
        self.head = nn.Conv2d(32, classes, 1)

    def forward(self, pair: Tensor) -> Tensor:
        """Return the logits of each cell."""
        values = pair.to(torch.float32).permute(0, 3, 1, 2) / 255.0
        golden, unit = values[:, :3], values[:, 3:]
        x = torch.cat(
            [
                (golden - _MIDDLE) / _SPREAD,
                (unit - _MIDDLE) / _SPREAD,
                (unit - golden) / _DIFFERENCE_SPREAD,
            ],
            dim=1,
        )
        quarter = self.quarter(x)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        x = self.up_sixteenth(self.context(sixteenth), sixteenth)
        x = self.up_eighth(x, eighth)
        return self.head(self.up_quarter(x, quarter))


def build(classes: int) -> Network:
    """Return a network for so many classes, weights drawn from torch's generator."""
    return Network(classes)
