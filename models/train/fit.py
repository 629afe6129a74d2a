"""Fitting: one-cycle AdamW over drawn crops, an average of the weights, a temperature for its confidence."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.classifier import CLASSES
from models.train.average import blend
from models.train.data import IGNORED, U8, Pairs, class_weights, crops
from models.train.network import Network, build

_EVERY = 7


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a fit, apart from the data."""

    seed: int = 1
    steps: int = 14000
    batch: int = 32
    side: int = 160
    rate: float = 4e-3
    decay: float = 0.02
    average: float = 0.998


def fit(pairs: Pairs, recipe: Recipe, progress: Callable[[int, float], None], device: str = "cpu") -> Network:
    """Return a fitted network in evaluation mode, on the CPU.

    The same arguments give the same weights on the same CPU; on "cuda" they differ by rounding.
    """
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(mode=device == "cpu")
    rng = np.random.default_rng(recipe.seed)
    network = build(len(CLASSES)).train().to(device)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (torch's stub lacks it)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=0.15
    )
    weight = torch.from_numpy(class_weights(pairs, rng, recipe.side)).to(device)
    loss_of = nn.CrossEntropyLoss(weight, ignore_index=IGNORED)
    smooth = math.nan
    for step, (inputs, targets) in enumerate(_batches(pairs, recipe, rng)):
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = network(torch.from_numpy(inputs).to(device).contiguous())
        loss: Tensor = loss_of(logits.float(), torch.from_numpy(targets).to(device).long())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        blend(average, network, min(recipe.average, step / (step + 10)))
        now = float(loss.detach())
        smooth = now if math.isnan(smooth) else 0.98 * smooth + 0.02 * now
        progress(step + 1, smooth)
    average.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue] (as above)
    return average.to("cpu").eval()


def _batches(pairs: Pairs, recipe: Recipe, rng: np.random.Generator) -> Iterator[tuple[U8, U8]]:
    """Yield every batch; the next is cut while the network learns from one."""
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(crops, pairs, recipe.batch, rng, recipe.side)
        for step in range(recipe.steps):
            batch = coming.result()
            if step + 1 < recipe.steps:
                coming = ahead.submit(crops, pairs, recipe.batch, rng, recipe.side)
            yield batch


def temperature(network: Network, pairs: Pairs, seed: int, batches: int = 40) -> float:
    """Return the temperature that makes the network's confidence truest on pairs it was not fitted to.

    Least negative log likelihood of the cells (Guo et al. 2017, arXiv 1706.04599), to 1 %.
    """
    rng = np.random.default_rng(seed)
    logits: list[Tensor] = []
    targets: list[Tensor] = []
    with torch.inference_mode():
        for _ in range(batches):
            inputs, target = crops(pairs, 16, rng)
            answer = network(torch.from_numpy(inputs)).float().permute(0, 2, 3, 1).reshape(-1, len(CLASSES))
            flat = torch.from_numpy(target).long().reshape(-1)
            keep = torch.nonzero(flat != IGNORED)[::_EVERY, 0]  # neighbours say the same
            logits.append(answer[keep])
            targets.append(flat[keep])
        every, truth = torch.cat(logits), torch.cat(targets)
        candidates = np.exp(np.arange(math.log(0.5), math.log(4.0), 0.01))
        costs = [float(nn.functional.cross_entropy(every / t, truth)) for t in candidates]
    return round(float(candidates[int(np.argmin(costs))]), 3)
