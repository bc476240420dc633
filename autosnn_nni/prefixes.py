"""Populations scored together: what architectures have in common is computed once.

Architectures that begin with the same blocks have the same activations up to there: they inherit
the same weights, and a batch norm's statistics depend on the layers before it alone. So a
population is walked as a trie, batch after batch and depth-first inside, and every architecture
gets exactly what it would get by itself.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.evaluation import Batch, chunks
from autosnn_nni.packed import Cache
from autosnn_nni.progress import progress_bar
from autosnn_nni.search_spaces import (
    Cut,
    Segment,
    SpikeTotal,
    SpikingNetwork,
    cut,
    fold_batch_norm,
    is_spiking,
)

Sample = Mapping[str, str]
#: What is chosen in every segment up to one.
Prefix = tuple[tuple[str, ...], ...]


class Trie:
    """The prefixes of some architectures."""

    def __init__(self, architectures: Iterable[Prefix]) -> None:
        self.children: dict[Prefix, dict[Prefix, None]] = {(): {}}
        for choices in architectures:
            for depth in range(len(choices)):
                prefix = choices[: depth + 1]
                self.children[choices[:depth]][prefix] = None
                self.children.setdefault(prefix, {})

    def __iter__(self) -> Iterator[Prefix]:
        """Every prefix, after those that it begins with."""
        return (prefix for prefix in self.children if prefix)


class _Output:
    """What is behind a segment, computed when it is first asked for."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute = compute

    @cached_property
    def value(self) -> Any:
        return self._compute()


class PopulationScorer:
    """Accuracies and spikes of subnets of ``supernet`` on the batches ``val``.

    Batch norm's statistics are those of ``calibration``; without any batches, the supernet's own.
    Activations are kept from one population to the next in at most ``memory`` bytes.
    """

    def __init__(
        self,
        supernet: SpikingNetwork,
        val: Sequence[Batch],
        calibration: Sequence[Batch],
        memory: int,
    ) -> None:
        self.supernet = supernet
        self.val = val
        self.calibration = calibration
        self._cuts: list[Cut] = []
        self._segments: dict[Prefix, Segment] = {}
        self._cache = Cache(memory)

    def evaluate(self, samples: Sequence[Sample]) -> list[tuple[float, float]]:
        """Accuracy, as a fraction, and spikes per image of every sample, in order."""
        self._cuts = self._cuts or cut(self.supernet, samples[0].keys())
        self._cache.next_generation()
        choices = [tuple(place.choice(sample) for place in self._cuts) for sample in samples]
        trie = Trie(choices)
        self._calibrate(trie, self._make_segments(choices, samples))
        results = self._score(trie)
        for architecture in set(choices):
            del self._segments[architecture]  # no other one has its last segment
        return [results[architecture] for architecture in choices]

    def _make_segments(self, choices: Sequence[Prefix], samples: Sequence[Sample]) -> set[Prefix]:
        """Make the segments that are missing; gives their prefixes."""
        new: set[Prefix] = set()
        for architecture, sample in zip(choices, samples, strict=True):
            for depth, place in enumerate(self._cuts):
                prefix = architecture[: depth + 1]
                if prefix not in self._segments:
                    self._segments[prefix] = place.segment(self.supernet, sample)
                    new.add(prefix)
        return new

    @torch.no_grad()
    def _calibrate(self, trie: Trie, new: set[Prefix]) -> None:
        """Give the ``new`` segments the statistics of the calibration batches."""
        if not self.calibration:
            return
        layers = [layer for prefix in new for layer in _batch_norms(self._segments[prefix])]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all batches
        for prefix in trie:
            self._segments[prefix].train()

        def run(prefix: Prefix, spikes: float, x: Any) -> Any:
            return spikes, self._segments[prefix](x)

        for number, (images, _) in enumerate(self.calibration):
            for prefix, output in self._walk(trie, run, images, ("calibration", number)):
                if prefix in new:
                    _ = output.value
        for layer in layers:
            layer.momentum = 0.0  # when they run again on the way to others they stay as they are

    @torch.inference_mode()
    def _score(self, trie: Trie) -> dict[Prefix, tuple[float, float]]:
        segments = {prefix: fold_batch_norm(self._segments[prefix]) for prefix in trie}
        totals = {prefix: SpikeTotal(segment) for prefix, segment in segments.items()}
        ends = {prefix: _Tally() for prefix in trie if not trie.children[prefix]}

        def run(prefix: Prefix, spikes: Any, x: Any) -> Any:
            outputs = segments[prefix](x)
            return spikes + totals[prefix].take(), outputs

        with ExitStack() as stack, self._progress() as advance:
            if is_spiking(self.supernet):
                for total in totals.values():
                    stack.enter_context(total)
            for number, (images, labels) in enumerate(self._chunks()):
                for prefix, output in self._walk(trie, run, images, ("val", number)):
                    if prefix in ends:
                        spikes, votes = output.value
                        ends[prefix].add(spikes, votes, labels)
                advance(len(images))
        return {prefix: tally.means() for prefix, tally in ends.items()}

    def _chunks(self) -> Iterator[Batch]:
        for images, labels in self.val:
            yield from zip(chunks(images), chunks(labels), strict=True)

    def _walk(
        self, trie: Trie, run: Callable[..., Any], images: Tensor, batch: Hashable
    ) -> Iterator[tuple[Prefix, _Output]]:
        """Every prefix with spikes and activations behind it, which are computed when asked for."""

        def below(prefix: Prefix, x: _Output) -> Iterator[tuple[Prefix, _Output]]:
            for child in trie.children[prefix]:
                output = _Output(partial(self._output, trie, child, run, x, batch))
                yield child, output
                yield from below(child, output)

        yield from below((), _Output(lambda: (0.0, images)))

    def _output(
        self, trie: Trie, prefix: Prefix, run: Callable[..., Any], x: _Output, batch: Hashable
    ) -> Any:
        kept = self._cache.get((prefix, batch))
        if kept is None:
            kept = run(prefix, *x.value)
            if trie.children[prefix]:
                self._cache.put((prefix, batch), *kept)
        return kept

    @contextmanager
    def _progress(self) -> Iterator[Callable[[int], None]]:
        images, done = sum(len(labels) for _, labels in self.val), 0
        with progress_bar("Search, a generation", images, "images") as show:

            def advance(more: int) -> None:
                nonlocal done
                done += more
                show(done, "")

            yield advance


class _Tally:
    """An architecture's hits and spikes, on its network's device until they are asked for."""

    def __init__(self) -> None:
        self._images = 0
        self._hits: Tensor | int = 0
        self._spikes: Tensor | float = 0.0

    def add(self, spikes: Tensor | float, votes: Tensor, labels: Tensor) -> None:
        """Count images whose network has sent so many spikes and given these votes."""
        self._images += len(labels)
        self._hits = self._hits + (votes.argmax(1) == labels).sum()
        self._spikes = self._spikes + spikes

    def means(self) -> tuple[float, float]:
        """Accuracy, as a fraction, and spikes per image."""
        return int(self._hits) / self._images, float(self._spikes) / self._images


def _batch_norms(module: nn.Module) -> Iterator[_BatchNorm]:
    return (layer for layer in module.modules() if isinstance(layer, _BatchNorm))
