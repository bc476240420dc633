"""``autosnn table``: make, merge, pack and ask tables of a whole space."""

import re
from pathlib import Path
from typing import Annotated

import typer

from autosnn_nni.cli.commands.help import Commands
from autosnn_nni.errors import UserError

commands = Commands(no_args_is_help=True)


@commands.command()
def make(
    name: Annotated[str, typer.Argument(help="Name of the table: SNN_1/fashion14")],
    output: Annotated[Path, typer.Option(help="Folder for the measurements")] = Path("runs/table"),
    shard: Annotated[
        str, typer.Option(help="Part of this machine: 1/4, 2/4, ...; merge the folders after")
    ] = "1/1",
    processes: Annotated[int, typer.Option(help="Networks to train at the same time")] = 1,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the data set's files")] = None,
) -> None:
    """Train every architecture of a space. Run it again to resume."""
    from autosnn_nni.table.make import make as train
    from autosnn_nni.table.plan import plan_named

    plan = plan_named(name)
    train(name, plan, output, shard=_shard(shard), processes=processes, data_dir=data_dir)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UserError(f"--shard must be one of 1/4, 2/4, 3/4 and 4/4, not {text!r}")
    return number, of


@commands.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders of autosnn table make")],
    output: Annotated[Path, typer.Option(help="New folder for all measurements")],
) -> None:
    """Put the measurements of several machines together; `make` continues there."""
    from autosnn_nni.table.folder import merge as put_together

    put_together(folders, output)


@commands.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder of autosnn table make")],
    output: Annotated[Path, typer.Option(help="JSON file; the measurements lie beside it")],
) -> None:
    """Write a table's two files, to be read by name or by path."""
    from autosnn_nni.table.folder import pack_folder

    pack_folder(folder, output)


@commands.command()
def judge(
    name: Annotated[
        str, typer.Argument(help="Name of a table, its JSON file, or a SpikeNAS-Bench folder")
    ],
    seeds: Annotated[int, typer.Option(help="Runs of every search")] = 100,
    lambda_: Annotated[
        float, typer.Option("--lambda", help="Lambda of the fitness; 0 is accuracy alone")
    ] = -0.08,
    rivals: Annotated[
        bool, typer.Option("--rivals", help="Also judge NNI's strategies and Optuna's samplers")
    ] = False,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers searches")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for judge.csv and judge.png")] = Path(
        "runs/judge"
    ),
) -> None:
    """Run every search on a table, and compare what they find with the truth."""
    from autosnn_nni.cli.judged import judge_all

    judge_all(name, seeds, lambda_, plugin or [], output, rivals=rivals)
