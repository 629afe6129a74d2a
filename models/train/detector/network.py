"""The network: a small residual classifier of crop pairs with a second head that bounds the defect.

About 0.5 M parameters and 22 M multiply-adds per crop. ReLU and batch normalisation only, which fold into
convolutions, so that a static INT8 export loses nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.detector.contract import SIDE

_WIDTHS = (16, 32, 64, 128)
_HIDDEN = 160


def _convolution(inputs: int, outputs: int, side: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False), nn.BatchNorm2d(outputs)]


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(channels, channels), nn.ReLU(inplace=True), *_convolution(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class DetectorNetwork(nn.Module):
    """uint8 pairs (n, SIDE, SIDE, 2c), golden then unit -> logits (n, k) and encoded boxes (n, 4), float32.

    All normalisation is inside; the signed difference is made here, too. `box` is what
    `models.detector.contract.encoded` makes of a box.
    """

    def __init__(self, classes: int, channels: int = 1) -> None:
        """Make a network with random weights; seed torch before."""
        super().__init__()
        self.channels = channels
        a, b, c, d = _WIDTHS
        self.body = nn.Sequential(
            *_convolution(3 * channels, a, 5, 2), nn.ReLU(inplace=True),
            *_convolution(a, b, 3, 2), nn.ReLU(inplace=True), _Residual(b),
            *_convolution(b, c, 3, 2), nn.ReLU(inplace=True), _Residual(c),
            *_convolution(c, d, 3, 2), nn.ReLU(inplace=True), _Residual(d),
        )  # fmt: skip
        cells = (SIDE // 16) ** 2
        self.reduce = nn.Sequential(*_convolution(d, 32, 1), nn.ReLU(inplace=True))
        self.hidden = nn.Sequential(nn.Linear(32 * cells + d, _HIDDEN), nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(0.1)
        self.logits = nn.Linear(_HIDDEN, classes)
        self.box = nn.Linear(_HIDDEN, 4)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and boxes."""
        values = pair.permute(0, 3, 1, 2).to(torch.float32) * (1 / 127.5) - 1.0
        golden, unit = values[:, : self.channels], values[:, self.channels :]
        x = self.body(torch.cat([golden, unit, unit - golden], dim=1))
        x = torch.cat([self.reduce(x).flatten(1), x.mean(dim=(2, 3))], dim=1)
        x = self.dropout(self.hidden(x))
        return self.logits(x), self.box(x)


def build(classes: int, channels: int = 1) -> DetectorNetwork:
    """Return a network for so many classes, weights drawn from torch's generator."""
    return DetectorNetwork(classes, channels)
