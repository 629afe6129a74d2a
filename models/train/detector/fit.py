"""Fitting: one-cycle AdamW over augmented crops, an average of the weights, a temperature."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.detector.contract import encoded
from models.train.average import blend
from models.train.detector.data import F32, I32, U8, Crops, Places, Prepared, batch, places
from models.train.detector.network import DetectorNetwork, build


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a fit, apart from the data.

    An epoch shows every candidate and every labelled box's own centre once; of the candidates of a pair that
    show nothing at most `negatives` are taken, drawn once.
    """

    seed: int = 1
    epochs: int = 24
    batch: int = 64
    rate: float = 4e-3
    decay: float = 0.02
    average: float = 0.998
    smoothing: float = 0.02
    box_weight: float = 2.0
    negatives: int = 10


def fit(
    pairs: Prepared,
    recipe: Recipe,
    progress: Callable[[int, int, float], None],
    start: Mapping[str, Tensor] | None = None,
) -> DetectorNetwork:
    """Return a fitted network in evaluation mode.

    The same arguments give the same weights on the same CPU, with one thread.

    Args:
        pairs: what is learned from.
        recipe: how.
        progress: is told step, steps and loss.
        start: weights of an earlier fit to go on from; None for random ones. No epochs leave them.

    Raises:
        ValueError: there are fewer places than a batch has, or the weights are of another network.
    """
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(mode=True)
    rng = np.random.default_rng(recipe.seed)
    network = build(len(pairs.classes), pairs.golden[0].shape[2]).train()
    if start is not None:
        try:
            network.load_state_dict(start)
        except RuntimeError as error:
            raise ValueError(f"the weights to start from are of another network: {error}") from error
    if not recipe.epochs:
        return network.eval()
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (torch's stub lacks it)
    crops, at = Crops(pairs), places(pairs).fewer(recipe.negatives, rng)
    average = copy.deepcopy(network)
    steps = recipe.epochs * (len(at.pair) // recipe.batch)
    if not steps:
        raise ValueError(f"{len(at.pair)} candidates and boxes are less than a batch of {recipe.batch}")
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps, pct_start=0.2)
    smooth = math.nan
    for step, drawn in enumerate(_batches(crops, at, recipe, rng, steps)):
        loss = _loss(network, *drawn, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        blend(average, network, min(recipe.average, step / (step + 10)))
        now = float(loss.detach())
        smooth = now if math.isnan(smooth) else 0.98 * smooth + 0.02 * now
        progress(step + 1, steps, smooth)
    average.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue] (as above)
    return average.eval()


def _loss(network: DetectorNetwork, pictures: U8, kinds: I32, boxes: F32, recipe: Recipe) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, answers = network(torch.from_numpy(pictures))
    named = nn.functional.cross_entropy(
        logits.float(), torch.from_numpy(kinds).long(), label_smoothing=recipe.smoothing
    )
    return named + recipe.box_weight * _box_loss(answers.float(), kinds, boxes)


def _box_loss(answers: Tensor, kinds: I32, boxes: F32) -> Tensor:
    """Return the mean smooth L1 of the boxes of crops that show a defect, per crop of the batch."""
    shown = kinds > 0
    if not shown.any():
        return answers.sum() * 0
    target = torch.from_numpy(encoded(boxes[shown]))
    return nn.functional.smooth_l1_loss(
        answers[torch.from_numpy(shown)], target, beta=0.1, reduction="sum"
    ) / (4 * len(kinds))


def _batches(
    crops: Crops, at: Places, recipe: Recipe, rng: np.random.Generator, steps: int
) -> Iterator[tuple[U8, I32, F32]]:
    """Yield every batch; each epoch is a new order of all places."""
    order = _orders(len(at.pair), recipe.batch, rng)
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(batch, crops, at, next(order), rng)
        for step in range(steps):
            ready = coming.result()
            if step + 1 < steps:
                coming = ahead.submit(batch, crops, at, next(order), rng)
            yield ready


def _orders(n: int, size: int, rng: np.random.Generator) -> Iterator[I32]:
    while True:
        order = rng.permutation(n).astype(np.int32)
        yield from (order[i : i + size] for i in range(0, n - size + 1, size))
