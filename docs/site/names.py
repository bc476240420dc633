"""The reference of everything that has a name, made from the registries."""

import inspect
from collections.abc import Mapping

from autosnn_nni.cli.names import names as names_of
from autosnn_nni.export import EXPORTS
from autosnn_nni.strategies import OBJECTIVES, SAMPLINGS, SEARCHES
from docs.site.markdown import cell, table

#: The kinds whose items say what they are, each in its docstring.
_DESCRIBED: Mapping[str, Mapping[str, object]] = {
    "samplings": SAMPLINGS,
    "strategies": SEARCHES,
    "objectives": OBJECTIVES,
    "formats": EXPORTS,
}

#: Which option takes the names of a kind, and what they are.
ABOUT = {
    "spaces": "`--space`: macro architectures with blocks to be decided.",
    "blocks": "`--candidates` and `--blocks`: what can stand in a TBD block. SCB, SRB and SIB are "
    "explained in the [glossary](glossary.md).",
    "operations": "`--candidates` in the cells of `SNASNet-Fw` and `SNASNet-Bw`.",
    "networks": "`--network`: networks made by hand, and architectures that the paper found.",
    "neurons": "`--neuron`: the [neurons](glossary.md#plif) of all layers.",
    "surrogates": "`--surrogate`: [derivatives of a spike](../training.md#the-surrogate-gradient).",
    "datasets": "`--dataset`: [data sets](data.md); a folder of your own has no name here.",
    "pretrained": "`--network` and `--pretrained`: [trained weights](pretrained.md).",
    "samplings": "`--sampling`: the paths that a step of the supernet trains.",
    "losses": "`--loss`: what training makes small.",
    "schedules": "`--schedule`: [the learning rate](../training.md#the-learning-rate) over time.",
    "strategies": "`--strategy`: how the supernet is searched.",
    "objectives": "`--fitness`, `--objectives`, `--max`, `--min`, `--pick`: what of an "
    "architecture is [measured](../search.md#objectives).",
    "energy-models": "`energy:NAME` as an objective: [joules by operations](../energy.md).",
    "chips": "`--chip`: [which networks fit](../chips.md).",
    "formats": "`--format`: [for other tools](../export.md).",
    "recipes": "`autosnn reproduce`: [the paper's tables and figures](../paper.md).",
}


def names() -> str:
    """The names of every kind, and what each says of itself, as Markdown."""
    return "\n\n".join(f"## {kind}\n\n{about}\n\n{_listed(kind)}" for kind, about in ABOUT.items())


def _listed(kind: str) -> str:
    if kind not in _DESCRIBED:
        return ", ".join(f"`{name}`" for name in names_of(kind))
    rows = [[f"`{name}`", _says(item)] for name, item in _DESCRIBED[kind].items()]
    return table(["name", "what it is"], rows)


def _says(item: object) -> str:
    """The first paragraph of its docstring."""
    return cell((inspect.getdoc(item) or "").partition("\n\n")[0])
