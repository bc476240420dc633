"""The reference of everything that has a name, made from the registries."""

import inspect
from collections.abc import Iterable, Mapping

from autosnn_nni.cli.names import KINDS
from docs.site.markdown import cell, table

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
    return "\n\n".join(
        f"## {kind}\n\n{ABOUT[kind]}\n\n{_listed(get())}" for kind, get in KINDS.items()
    )


def _listed(found: Iterable[str]) -> str:
    if isinstance(found, Mapping) and all(map(_says, found.values())):
        return table(
            ["name", "what it is"], [[f"`{name}`", _says(one)] for name, one in found.items()]
        )
    return ", ".join(f"`{name}`" for name in found)


def _says(item: object) -> str:
    """The first line of the docstring of a function or class."""
    own = inspect.isroutine(item) or inspect.isclass(item)
    return cell((inspect.getdoc(item) or "").partition("\n\n")[0]) if own else ""
