"""Networks in a form that ``torch.fx`` can trace, plugins' blocks too."""

import copy
from typing import Any

import torch
from spikingjelly.activation_based import base, functional, neuron
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.modules.batchnorm import _BatchNorm

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import SpikingNetwork
from autosnn_nni.search_spaces.blocks import HalvingSkip
from autosnn_nni.search_spaces.cell import EDGES, NODES, SpikingCell
from autosnn_nni.search_spaces.firing import fire


def refusal(what: str) -> UserError:
    """The error for what no graph can express."""
    return UserError(f"{what} can't be exported")


class OneTimestep(nn.Module):
    """A copy of a network that maps an image, or a frame of events, to the spikes of its voters."""

    def __init__(self, network: SpikingNetwork) -> None:
        super().__init__()
        copied = copy.deepcopy(network).cpu().eval()
        self.shrink = nn.AvgPool2d(network.shrink) if network.shrink > 1 else nn.Identity()
        self.stem, self.stages, self.fc = copied.stem, copied.stages, copied.fc
        for path, module in list(self.named_modules()):
            if (made := _traceable(module)) is not None:
                parent, _, name = path.rpartition(".")
                setattr(self.get_submodule(parent), name, made)
        functional.set_step_mode(self, "s")
        functional.reset_net(self)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, H, W]`` to ``[N, voters]``; call ``functional.reset_net`` between images."""
        x = self.stem.neuron(self.stem.conv(self.shrink(x)))
        for stage in self.stages.values():
            x = stage(x)
        if not isinstance(self.fc.norm, nn.Identity):
            x = self.fc.norm(x.flatten(1))[..., None, None]
        return fire(self.fc.neuron, (x, self.fc.linear))

    def calls(self, shape: tuple[int, ...]) -> list[fx.Node]:
        """The calls of layers and functions for an image of ``shape``, with the shapes of results.

        Raises :class:`UserError` for a block whose forward depends on its inputs' values.
        """
        try:
            graph = _Tracer().trace(self)
        except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
            raise refusal(f"a block whose forward depends on values ({error})") from error
        image = torch.zeros(1, *shape, dtype=next(self.parameters()).dtype)
        with torch.no_grad():
            ShapeProp(fx.GraphModule(self, graph)).propagate(image)
        functional.reset_net(self)
        return list(graph.nodes)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a layer is a call of its own, and not looked into."""
        own = (nn.Conv2d, nn.Linear, _BatchNorm, nn.MaxPool2d, nn.AvgPool2d, neuron.BaseNode)
        return isinstance(m, own) or super().is_leaf_module(m, module_qualified_name)


def _traceable(module: nn.Module) -> nn.Module | None:
    """What stands in for a module that can't be traced."""
    if isinstance(module, HalvingSkip):
        return _ConvolvedSkip(module)
    if isinstance(module, SpikingCell):
        return _ForwardCell(module)
    if isinstance(module, base.MemoryModule) and not isinstance(module, neuron.BaseNode):
        raise refusal(f"{type(module).__name__}, which is another one at every timestep,")
    return None


class _ConvolvedSkip(nn.Module):
    """The skip at stride 2 as a 3x3 convolution, in which each output sees a single pixel."""

    def __init__(self, skip: HalvingSkip) -> None:
        super().__init__()
        even, odd = (half.weight.detach()[..., 0, 0] for half in (skip.even, skip.odd))
        weight = even.new_zeros(len(even) + len(odd), even.shape[1], 3, 3)
        weight[: len(even), :, 1, 1] = even
        weight[len(even) :, :, 2, 2] = odd
        self.conv = nn.Conv2d(weight.shape[1], len(weight), 3, 2, 1, bias=False)
        self.conv.weight = nn.Parameter(weight)
        self.bn, self.neuron = skip.bn, skip.neuron

    def forward(self, x: Tensor) -> Tensor:
        return fire(self.neuron, (x, self.conv, self.bn))


class _ForwardCell(nn.Module):
    """SNASNet's cell without connections to the next timestep."""

    def __init__(self, cell: SpikingCell) -> None:
        super().__init__()
        for label, operation in cell.named_children():
            if operation.backward:
                raise refusal("a connection to the next timestep")
            self.add_module(label, operation)

    def forward(self, x: Tensor) -> Any:
        operations: Any = dict(zip(EDGES, self.children(), strict=True))
        nodes: list[Any] = [x]
        for node in range(1, NODES):
            inputs = [operations[other, node].layers(nodes[other]) for other in range(node)]
            nodes.append(sum(inputs))
        return nodes[-1]
