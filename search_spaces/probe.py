"""Try the candidate blocks of plugins once, before anything is trained.

A block may be written in ways that give wrong numbers without an error: it may change its input,
which other architectures share, or keep state that a reset does not clear. Each block of a plugin
is run on small random spikes, at every shape that the space has, in training and in eval mode.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from spikingjelly.activation_based import base, functional
from spikingjelly.activation_based.neuron import BaseNode
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces.attempt import attempt, check_factory
from autosnn_nni.search_spaces.blocks import BLOCKS, BlockFactory
from autosnn_nni.search_spaces.cell import Operation
from autosnn_nni.search_spaces.config import NetworkConfig
from autosnn_nni.search_spaces.network import channels_last, takes_all_timesteps
from autosnn_nni.search_spaces.neurons import NEURONS
from autosnn_nni.search_spaces.norms import cant_be_kept
from autosnn_nni.search_spaces.probe_neuron import probe_neuron
from autosnn_nni.search_spaces.stages import Maker

_IMAGES, _TIMESTEPS = 2, 3


@dataclass(frozen=True)
class Site:
    """A place for a block: channels before and after it, its stride, and the size of its input."""

    in_channels: int
    out_channels: int
    stride: int
    size: tuple[int, int]

    @property
    def output(self) -> tuple[int, ...]:
        """The shape ``(C, H, W)`` of the block's output."""
        height, width = (-(-side // self.stride) for side in self.size)
        return self.out_channels, height, width

    def spikes(self, timesteps: int = _TIMESTEPS) -> list[Tensor]:
        """Random spikes ``[N, C, H, W]`` of every timestep, always the same."""
        generator = torch.Generator().manual_seed(0)
        shape = (timesteps, _IMAGES, self.in_channels, *self.size)
        return list((torch.rand(shape, generator=generator) < 0.5).to(torch.get_default_dtype()))


#: Places as they are in the spaces: alike, wider, and halving even and odd sizes.
SITES = (
    Site(8, 8, 1, (8, 8)),
    Site(8, 16, 1, (8, 8)),
    Site(8, 16, 2, (8, 8)),
    Site(8, 8, 2, (7, 7)),
)


@dataclass(frozen=True)
class Habits:
    """What a block does that matters when architectures are scored together.

    ``own_statistics`` are the buffers, apart from those of batch norm, that change in training.
    ``is_random`` tells whether its output in training mode is.
    """

    own_statistics: tuple[str, ...] = ()
    is_random: bool = False


def probe_candidates(config: NetworkConfig) -> frozenset[str]:
    """Try a plugin's neuron, and its blocks at all places; return candidates to be scored alone.

    Those have statistics of their own, which depend on the blocks before them in a way that can't
    be shared. Raises :class:`UserError` that names a piece whose results would be wrong.
    """
    timesteps = min(max(config.timesteps_choice), _TIMESTEPS)
    if not NEURONS.is_builtin(config.neuron):
        probe_neuron(config.neuron, NEURONS[config.neuron], timesteps)
    alone: set[str] = set()
    for name, is_candidate, site in _places(config):
        blocks = config.macro.blocks if is_candidate else BLOCKS
        if blocks.is_builtin(name):
            continue
        habits = probe(name, blocks[name], config.neuron, site, config.batch_norm, timesteps)
        if habits.own_statistics:
            alone.update([name] if is_candidate else config.candidates)
    return frozenset(alone)


def probe(
    name: str,
    factory: BlockFactory,
    neuron: str,
    site: Site,
    batch_norm: str = "timestep",
    timesteps: int = _TIMESTEPS,
) -> Habits:
    """Try the block ``name`` at one place, with spiking neurons and with ReLUs.

    ReLUs show differences in currents that are too small for a spike. Raises :class:`UserError`
    that names the block and says what is wrong with it.
    """
    check_factory(f"block {name!r}", factory)
    return _probe(name, factory, neuron, site, batch_norm, timesteps)


@cache
def _probe(
    name: str, factory: BlockFactory, neuron: str, site: Site, batch_norm: str, timesteps: int
) -> Habits:
    with torch.random.fork_rng():
        _ = _BlockTrial(name, factory, neuron, site, batch_norm, timesteps).run()
        return _BlockTrial(name, factory, "ANN", site, batch_norm, timesteps).run()


def _places(config: NetworkConfig) -> Iterator[tuple[str, bool, Site]]:
    """Every block of the space, whether it is a candidate, and where it may stand."""
    found: list[tuple[str, bool, tuple[int, int, int]]] = []

    def slot(label: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
        shape = (in_channels, out_channels, stride)
        found.extend((name, True, shape) for name in config.candidates)
        return nn.Identity()

    def fixed(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
        found.append((name, False, (in_channels, out_channels, stride)))
        return nn.Identity()

    maker = Maker(config.channels, config.make_neuron, slot, fixed)
    for placed in config.stages:
        if not placed.stage.has_blocks:
            continue
        placed.stage.build(placed.before, placed.labels, maker)
        for name, is_candidate, shape in dict.fromkeys(found):
            yield name, is_candidate, Site(*shape, size=placed.before[1:])
        found.clear()


class _BlockTrial:
    """One block of a plugin at one place."""

    def __init__(
        self,
        name: str,
        factory: BlockFactory,
        neuron: str,
        site: Site,
        batch_norm: str,
        timesteps: int,
    ) -> None:
        self.name = name
        self.neuron = neuron
        self.site = site
        self.batch_norm = batch_norm
        self.spikes = site.spikes(timesteps)
        shape = (site.in_channels, site.out_channels, site.stride)
        self._make = partial(factory, *shape, NEURONS[neuron])
        made = self._made(seed=0)
        self.block = self._attempt("can't be copied", lambda: copy.deepcopy(made))
        if batch_norm == "pooled":
            self._check_multi_step()
        if batch_norm == "kept" and (why := cant_be_kept(nn.Sequential(self.block))):
            raise self._error(f"can't have kept batch norm: {why}")

    def run(self) -> Habits:
        """Raise :class:`UserError` for wrong behaviour."""
        self._check_eval_mode()
        self._check_made_again()
        before = self._state()
        first = self._outputs(seed=1, train=True)
        changed = self._changed(before)
        for name, _ in self.block.named_parameters():
            if name in changed:
                raise self._error(f"changes its weights {name} in its forward pass")
        self._check_gradients(first)
        again, other = (self._outputs(seed=seed, train=True, state=before) for seed in (1, 2))
        self._check_equal(first, again)
        self._check_alone()
        self._check_layout()
        self._check_all_at_once()
        return Habits(tuple(self._not_of_batch_norm(changed)), not _equal(first, other))

    def _made(self, *, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        made = self._attempt("can't be made", self._make)
        if not isinstance(made, nn.Module):
            raise self._error(f"is a {type(made).__name__}, not a torch module")
        self._check_seed(seed)
        made = made.layers if isinstance(made, Operation) else made
        for name, value in _tensors(made).items():
            if is_lazy(value):
                raise self._error(f"has a lazy layer, whose {name} has no size yet; give the sizes")
        self._attempt("can't take single timesteps", lambda: functional.set_step_mode(made, "s"))
        self._attempt("can't have its channels last", lambda: channels_last(made))
        return made

    def _check_seed(self, seed: int) -> None:
        if torch.initial_seed() != seed:
            raise self._error("sets torch's seed, on which other blocks depend; leave that out")

    def _check_eval_mode(self) -> None:
        before = self._state()
        first, second = (self._outputs(seed=seed, train=False) for seed in (1, 2))
        self._check_equal(first, second)
        if changed := self._changed(before):
            raise self._error(f"changes its buffer {changed[0]} in eval mode")

    def _check_equal(self, first: list[Tensor], again: list[Tensor]) -> None:
        if not _equal(first, again):
            raise self._error(
                "gives another answer to the same input after a reset: random numbers must be "
                "torch's, and in training only; state must be a memory of SpikingJelly's "
                "MemoryModule, and what training changes a buffer that is saved"
            )

    def _check_alone(self) -> None:
        if self.neuron != "ANN":  # spikes may move by a rounding error, currents can't
            return
        both, one = (self._outputs(seed=1, train=False, images=count) for count in (_IMAGES, 1))
        if not all(torch.allclose(b[:1], o, atol=1e-4) for b, o in zip(both, one, strict=True)):
            raise self._error(
                "gives an image another answer in eval mode if other images are in its batch"
            )

    def _check_layout(self) -> None:
        """A network's spikes have their channels last in memory; those of one pixel have both."""
        contiguous = self.spikes
        self.spikes = [one.contiguous(memory_format=torch.channels_last) for one in contiguous]
        for train in (True, False):
            self._outputs(seed=1, train=train)
        self.spikes = contiguous

    def _check_all_at_once(self) -> None:
        """Layers that allow it get all timesteps at once, see :func:`takes_all_timesteps`."""
        if not all(map(takes_all_timesteps, self.block.modules())):
            return
        each, whole = self._outputs(seed=1, train=False), self._at_once()
        # Spikes may move by a rounding error, currents can't.
        close = partial(torch.allclose, atol=1e-4)
        if self.neuron == "ANN" and not all(map(close, each, whole)):
            raise self._error(
                "gives another answer to all timesteps at once than to one after another; let it "
                "be an nn.Module, which gets one after another, and no subclass of its layers"
            )

    def _at_once(self) -> list[Tensor]:
        """Outputs of every timestep from a single call."""
        spikes = torch.stack(self.spikes)
        self._attempt("can't take all timesteps", lambda: functional.set_step_mode(self.block, "m"))
        with torch.no_grad():
            whole: list[Tensor] = self._attempt(
                "fails on [T, N, C, H, W]", lambda: list(self.block(spikes))
            )
        functional.set_step_mode(self.block, "s")
        self._reset()
        return whole

    def _check_made_again(self) -> None:
        """Networks are made again to be trained from scratch, and to load a checkpoint."""
        again = self._made(seed=3)
        own = {id(one) for one in _stateful(self._made(seed=0)).values()}
        for name, one in _stateful(again).items():
            if id(one) in own:
                raise self._error(f"shares its {name} with other blocks; let each have its own")
        first = self._outputs(seed=1, train=False)
        state, self.block = self._state(), again
        if not _equal(first, self._outputs(seed=1, train=False, state=state)):
            raise self._error(
                "gives another answer when it is made again with the same weights; keep what it "
                "draws when it is made in a buffer"
            )

    def _check_multi_step(self) -> None:
        for module in self.block.modules():
            if module is not self.block and not takes_all_timesteps(module):
                raise self._error(
                    f"can't have pooled batch norm: its {type(module).__name__} takes one timestep "
                    "at a time; use SpikingJelly's layers, or another --batch-norm"
                )

    def _check_gradients(self, outputs: list[Tensor]) -> None:
        total = torch.stack(outputs).sum()
        if total.requires_grad:
            self._attempt("can't be trained", total.backward)
        elif any(one.requires_grad for one in self.block.parameters()):
            raise self._error("can't be trained: its output has no gradient")

    def _outputs(
        self,
        *,
        seed: int,
        train: bool,
        state: dict[str, Tensor] | None = None,
        images: int = _IMAGES,
    ) -> list[Tensor]:
        """Outputs of every timestep, from a reset on, and from ``state`` if it is given."""
        if state is not None:
            self._attempt("can't be loaded", lambda: self.block.load_state_dict(state))
        torch.manual_seed(seed)
        self.block.train(train)
        self._reset()
        with torch.set_grad_enabled(train):
            outputs = [self._step(spikes[:images]) for spikes in self.spikes]
        self._check_seed(seed)
        self._reset()
        return outputs

    def _reset(self) -> None:
        self._attempt("can't be reset", lambda: functional.reset_net(self.block))

    def _step(self, spikes: Tensor) -> Tensor:
        # Not a leaf, which torch would protect from changes.
        x = spikes.requires_grad_() * 1 if torch.is_grad_enabled() else spikes
        version = x._version
        with _counted(self.block, BaseNode) as neurons, _counted(self.block, _BatchNorm) as norms:
            output = self._attempt(f"fails on {list(x.shape)}", lambda: self.block(x))
        # Spikes of one layer at two places can't be told apart, and both would charge it.
        if any(count > 1 for count in neurons.values()):
            raise self._error("calls a neuron twice in a timestep; give it one for each place")
        if self.batch_norm == "kept" and any(count > 1 for count in norms.values()):
            raise self._error(
                "can't have kept batch norm: it calls one twice in a timestep; give it one for "
                "each place, or use another --batch-norm"
            )
        if not isinstance(output, Tensor) or output.layout != torch.strided:
            kind = getattr(output, "layout", type(output).__name__)
            raise self._error(f"must give a tensor of spikes, not a {kind}")
        if x._version != version:
            raise self._error("changes its input, which other blocks share; let it work on a copy")
        needed = [len(x), *self.site.output]
        if list(output.shape) != needed:
            raise self._error(
                f"gives {list(output.shape)} for {list(x.shape)}, but {needed} is needed"
            )
        if output.dtype != x.dtype or not output.isfinite().all():
            raise self._error(f"must give finite numbers of type {x.dtype}")
        return output

    def _attempt(self, what: str, act: Callable[[], Any]) -> Any:
        return attempt(act, lambda reason: self._error(f"{what}: {reason}"))

    def _error(self, what: str) -> UserError:
        site = self.site
        place = f"{site.in_channels} to {site.out_channels} channels, stride {site.stride}"
        return UserError(f"block {self.name!r} ({place}) {what}")

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.block.state_dict().items()}

    def _changed(self, before: dict[str, Tensor]) -> list[str]:
        now = self.block.state_dict()
        return [name for name, value in before.items() if not torch.equal(value, now[name])]

    def _not_of_batch_norm(self, names: list[str]) -> Iterator[str]:
        modules = dict(self.block.named_modules(remove_duplicate=False))
        for name in names:
            if not isinstance(modules[name.rpartition(".")[0]], _BatchNorm):
                yield name


@contextmanager
def _counted(block: nn.Module, kind: type[nn.Module]) -> Iterator[Counter[nn.Module]]:
    """How often each module of a kind is called."""
    calls: Counter[nn.Module] = Counter()
    hooks = [
        one.register_forward_hook(lambda module, *_: calls.update([module]))
        for one in block.modules()
        if isinstance(one, kind)
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _tensors(block: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers."""
    return {**dict(block.named_parameters()), **dict(block.named_buffers())}


def _stateful(block: nn.Module) -> dict[str, Any]:
    """All that must not be shared: parameters, buffers, and modules with a memory."""
    memories = (pair for pair in block.named_modules() if isinstance(pair[1], base.MemoryModule))
    return {**_tensors(block), **dict(memories)}


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(map(torch.equal, one, other))
