"""Score whole populations, computing every prefix that architectures share only once.

Architectures with the same prefix have the same activations up to its end: they inherit the same
weights, and the statistics of a batch norm depend only on the layers before it. So a population is
walked as a trie, batch by batch and depth-first within a batch. Every architecture gets exactly the
result that it would get alone.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from autosnn_nni.kernels.weights import fixed_weights
from autosnn_nni.progress import Advance
from autosnn_nni.scoring.activation_cache import ActivationCache
from autosnn_nni.scoring.batches import Batch, chunks
from autosnn_nni.scoring.calibration import batch_norms, recalibrated, set_calibration_mode
from autosnn_nni.scoring.evaluation import milliseconds, score
from autosnn_nni.search_spaces import (
    Cut,
    Folded,
    Segment,
    SpikingNetwork,
    TotalCounter,
    Totals,
    cut,
    is_spiking,
    subnet,
)
from autosnn_nni.strategies import Measurements

Sample = Mapping[str, str]
#: The choices in all segments up to a certain one.
Prefix = tuple[tuple[str, ...], ...]
#: A segment's depth and choices; prefixes with the same last choices share the segment.
Place = tuple[int, tuple[str, ...]]
#: The statistics of every batch norm of a segment, in order.
Statistics = list[dict[str, Tensor]]


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
        """Iterate over all prefixes; shorter ones come before their extensions."""
        return (prefix for prefix in self.children if prefix)


class _Output:
    """A segment's output, computed on first use."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute = compute

    @cached_property
    def value(self) -> Any:
        return self._compute()


class PopulationScorer:
    """Measures subnets of ``supernet`` on the batches ``val``.

    Batch norm statistics are those of ``calibration``; without batches, the supernet's own.
    Activations are cached from one population to the next, in at most ``memory`` bytes, until
    weights change. Subnets are ``timed`` one by one.
    """

    def __init__(
        self,
        supernet: SpikingNetwork,
        val: Sequence[Batch],
        calibration: Sequence[Batch],
        memory: int,
        *,
        timed: bool = False,
    ) -> None:
        self.supernet = supernet
        self.val = val
        self.calibration = calibration
        self.timed = timed
        self._memory = memory
        self._forget()

    def _forget(self) -> None:
        """Start with empty caches, which are of the supernet's present weights."""
        self._cuts: list[Cut] = []
        self._segments: dict[Place, Segment] = {}
        self._folded: dict[Place, Folded[Segment]] = {}
        self._statistics: dict[Prefix, Statistics] = {}
        self._cache = ActivationCache(self._memory)
        self._weights = self._version()

    def _version(self) -> list[tuple[int, int]]:
        """Where the weights are, and how often they were changed there."""
        return [(one.data_ptr(), one._version) for one in self.supernet.parameters()]

    def evaluate(
        self, samples: Sequence[Sample], advance: Advance = lambda share, note: None
    ) -> list[Measurements]:
        """Return the measurements of every sample, in order.

        ``advance`` is called with the share of the work that is done.
        """
        alone = [self._is_scored_alone(sample) for sample in samples]
        shared = [sample for sample, is_alone in zip(samples, alone, strict=True) if not is_alone]
        done, every = len(shared), len(samples)

        def of_shared(share: float, note: str) -> None:
            advance(share * len(shared) / every, note)

        results = iter(self._evaluate_together(shared, of_shared) if shared else [])
        measured = []
        for sample, is_alone in zip(samples, alone, strict=True):
            if not is_alone:
                measured.append(next(results))
                continue
            measured.append(self._evaluate_alone(sample))
            done += 1
            advance(done / every, "")
        return measured

    def _is_scored_alone(self, sample: Sample) -> bool:
        return not self.supernet.alone.isdisjoint(sample.values())

    def _evaluate_alone(self, sample: Sample) -> Measurements:
        return score(self._subnet(sample), self.val, self.calibration, timed=self.timed)

    def _subnet(self, sample: Sample) -> SpikingNetwork:
        return subnet(self.supernet, sample)

    def _evaluate_together(self, samples: Sequence[Sample], advance: Advance) -> list[Measurements]:
        if self._weights != self._version():
            self._forget()
        self._cuts = self._cuts or cut(self.supernet, samples[0].keys())
        self._cache.next_generation()
        choices = [tuple(place.choice(sample) for place in self._cuts) for sample in samples]
        trie = Trie(choices)
        self._make_segments(choices, samples)
        self._calibrate(trie)
        results = self._score(trie, advance)
        for architecture in set(choices):
            self._statistics.pop(architecture, None)  # no other architecture has it as a prefix
        return [
            self._described(sample, results[architecture])
            for sample, architecture in zip(samples, choices, strict=True)
        ]

    def _described(self, sample: Sample, tally: "_Tally") -> Measurements:
        network, (images, _) = self._subnet(sample), self.val[0]
        timesteps = network.steps(images)
        found = tally.means()
        if self.timed:
            calibrated = recalibrated(network, self.calibration)
            found["milliseconds"] = milliseconds(calibrated, images)
        return Measurements(
            neurons=found.pop("outputs") / timesteps,
            **found,
            parameters=network.parameter_count,
            timesteps=timesteps,
        )

    def _make_segments(self, choices: Sequence[Prefix], samples: Sequence[Sample]) -> None:
        """Make the segments that are missing."""
        for architecture, sample in zip(choices, samples, strict=True):
            for depth, cut_ in enumerate(self._cuts):
                place = _place(architecture[: depth + 1])
                if place not in self._segments:
                    segment = cut_.segment(self.supernet, sample)
                    set_calibration_mode(segment)
                    self._segments[place] = segment

    @torch.no_grad()
    def _calibrate(self, trie: Trie) -> None:
        """Compute the batch norm statistics of new prefixes on the calibration batches."""
        if not self.calibration:
            return
        new = {prefix for prefix in trie if prefix not in self._statistics}
        for prefix in new:
            self._statistics[prefix] = _fresh_statistics(self._segments[_place(prefix)])

        def run(prefix: Prefix, totals: Totals, x: Any) -> Any:
            segment = self._with_statistics(prefix)
            for layer in batch_norms(segment):
                # Average over all batches; the statistics of known prefixes don't change.
                layer.momentum = None if prefix in new else 0.0
            return totals, segment(x)

        with fixed_weights():
            for number, (images, _) in enumerate(self.calibration):
                for prefix, output in self._walk(trie, run, images, ("calibration", number)):
                    if prefix in new:
                        _ = output.value

    @torch.inference_mode()
    def _score(self, trie: Trie, advance: Advance) -> dict[Prefix, "_Tally"]:
        for place in {_place(prefix) for prefix in trie} - self._folded.keys():
            self._folded[place] = Folded(self._segments[place])
        spiking = is_spiking(self.supernet)
        counters = {
            place: TotalCounter(one.module, spiking=spiking) for place, one in self._folded.items()
        }
        tallies = {prefix: _Tally() for prefix in trie if not trie.children[prefix]}

        def run(prefix: Prefix, totals: Totals, x: Any) -> Any:
            self._with_statistics(prefix)
            folded, counter = self._folded[_place(prefix)], counters[_place(prefix)]
            folded.fold()
            counter.begin(x, totals)
            outputs = folded.module(x)
            return counter.end(outputs), outputs

        advance(0.0, "")
        total, done = sum(len(labels) for _, labels in self.val), 0
        with fixed_weights(), ExitStack() as stack:
            for counter in counters.values():
                stack.enter_context(counter)
            for number, (images, labels) in enumerate(self._chunks()):
                for prefix, output in self._walk(trie, run, images, ("val", number)):
                    if prefix in tallies:
                        totals, votes = output.value
                        tallies[prefix].add(totals, votes, labels)
                done += len(images)
                advance(done / total, "")
        return tallies

    def _with_statistics(self, prefix: Prefix) -> Segment:
        """Return the last segment of ``prefix``, with the batch norm statistics of the prefix."""
        segment = self._segments[_place(prefix)]
        if prefix in self._statistics:
            for layer, own in zip(batch_norms(segment), self._statistics[prefix], strict=True):
                for name, value in own.items():
                    setattr(layer, name, value)
        return segment

    def _chunks(self) -> Iterator[Batch]:
        for images, labels in self.val:
            parts = (chunks(one, self.supernet) for one in (images, labels))
            yield from zip(*parts, strict=True)

    def _walk(
        self, trie: Trie, run: Callable[..., Any], images: Tensor, batch: Hashable
    ) -> Iterator[tuple[Prefix, _Output]]:
        """Yield every prefix with its totals and output, which are computed on first use."""

        def descend(prefix: Prefix, x: _Output) -> Iterator[tuple[Prefix, _Output]]:
            for child in trie.children[prefix]:
                output = _Output(partial(self._output, trie, child, run, x, batch))
                yield child, output
                yield from descend(child, output)

        yield from descend((), _Output(lambda: (Totals(), images)))

    def _output(
        self, trie: Trie, prefix: Prefix, run: Callable[..., Any], x: _Output, batch: Hashable
    ) -> Any:
        result = self._cache.get((prefix, batch))
        if result is None:
            result = run(prefix, *x.value)
            if trie.children[prefix]:
                self._cache.put((prefix, batch), *result)
        return result


class _Tally:
    """An architecture's hits and totals; they stay on the device until they are read."""

    def __init__(self) -> None:
        self._images = 0
        self._hits: Tensor | int = 0
        self._totals: dict[str, Any] = dict.fromkeys(("spikes", "outputs", "synops", "macs"), 0.0)

    def add(self, totals: Totals, votes: Tensor, labels: Tensor) -> None:
        """Add the results of a batch: its totals and its votes."""
        self._images += len(labels)
        self._hits = self._hits + (votes.argmax(1) == labels).sum()
        for name in self._totals:
            self._totals[name] = self._totals[name] + getattr(totals, name)

    def means(self) -> dict[str, float]:
        """Accuracy (a fraction), and the rest per image; ``outputs`` are those of neurons."""
        per_image = {name: float(total) / self._images for name, total in self._totals.items()}
        return {"accuracy": int(self._hits) / self._images, **per_image}


def _place(prefix: Prefix) -> Place:
    return len(prefix), prefix[-1]


def _fresh_statistics(segment: Segment) -> Statistics:
    for layer in batch_norms(segment):
        for name, value in layer.named_buffers():
            setattr(layer, name, value.clone())
        layer.reset_running_stats()
    return [dict(layer.named_buffers()) for layer in batch_norms(segment)]
