"""Fewer nodes for the same network: batch norm becomes part of the layer before or behind it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from autosnn_nni.export.graph import Affine, Convolution, Dense, Node


def fold(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Nodes, of which the last one gets what it got before."""
    return _read(_behind(_before(nodes)))


def _before(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Fold batch norm into the layer before it, if nothing else reads that layer."""
    readers = Counter(source for node in nodes.values() for source in node.inputs)
    folded: dict[str, Node] = {}
    names: dict[str, str] = {}
    for name, node in nodes.items():
        inputs = tuple(names.get(one, one) for one in node.inputs)
        layer = folded[inputs[0]] if len(inputs) == 1 else None
        alone = all(readers[one] == 1 for one in node.inputs)
        if isinstance(node, Affine) and isinstance(layer, Convolution | Dense) and alone:
            names[name] = layer.name
            folded[layer.name] = _normed(layer, node)
        else:
            folded[name] = replace(node, inputs=inputs)
    return folded


def _normed(layer: Convolution | Dense, norm: Affine) -> Node:
    by_output = norm.scale.view(-1, *[1] * (layer.weight.dim() - 1))
    bias = norm.shift if layer.bias is None else norm.shift + norm.scale * layer.bias
    return replace(layer, weight=layer.weight * by_output, bias=bias)


def _behind(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Fold batch norm of single features into the fully connected layer behind it."""
    folded = dict(nodes)
    for name, node in nodes.items():
        norm = nodes[node.inputs[0]] if len(node.inputs) == 1 else None
        if isinstance(node, Dense) and isinstance(norm, Affine) and len(norm.shape) == 1:
            bias = node.weight @ norm.shift
            folded[name] = replace(
                node,
                inputs=norm.inputs,
                weight=node.weight * norm.scale,
                bias=bias if node.bias is None else bias + node.bias,
            )
    return folded


def _read(nodes: dict[str, Node]) -> dict[str, Node]:
    """Without nodes that nothing reads, apart from the last one."""
    read = {next(reversed(nodes))}
    for name, node in reversed(nodes.items()):
        if name in read:
            read.update(node.inputs)
    return {name: node for name, node in nodes.items() if name in read}
