"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.cli.names import completion
from autosnn_nni.errors import UserError

Output = Annotated[Path | None, typer.Option(help="The run's folder [default: runs/DATASET]")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the data set's files")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Devices = Annotated[int, typer.Option(help="Data-parallel training processes, one per device")]
CacheMemory = Annotated[
    str, typer.Option(help="Memory to cache activations between generations: 500M, 0 for none")
]
LogLevel = Annotated[
    str, typer.Option(help="What run.log in the folder has: debug, info, warning or error")
]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard to the folder")
]
Blocks = Annotated[str | None, typer.Option(help="One block per TBD block: SRB_k5,skip,...")]
Network = Annotated[
    str | None,
    typer.Option(
        help="Name of a network: CIFARNet-Fang, ...", autocompletion=completion("networks")
    ),
]
Run = Annotated[Path, typer.Argument(help="A run's folder")]
Trained = Annotated[Path, typer.Argument(help="A run's folder or a checkpoint")]
MaybeTrained = Annotated[
    Path | None, typer.Argument(help="A run's folder or a checkpoint", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON")]
# Of a network that no run has.
Space = Annotated[
    str | None,
    typer.Option(
        help="Name of the macro architecture [default: SNN_1]", autocompletion=completion("spaces")
    ),
]
Channels = Annotated[int | None, typer.Option(help="Initial number of channels C [default: 16]")]
Timesteps = Annotated[
    int | None, typer.Option(help="Number of timesteps T [default: the data set's]")
]
Neuron = Annotated[
    str | None,
    typer.Option(help="PLIF, LIF, IF or ANN [default: PLIF]", autocompletion=completion("neurons")),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Data set for image size and classes [default: CIFAR10]",
        autocompletion=completion("datasets"),
    ),
]


def no_weights() -> UserError:
    """The error that no trained weights are named."""
    return UserError(
        "Missing argument: a run's folder or a checkpoint, or --network and --pretrained "
        "(autosnn list pretrained)"
    )
