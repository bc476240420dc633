"""``autosnn --version``: the package, and what it runs on."""

import typer

from autosnn_nni.version import __version__


def show_versions(*, verbose: bool) -> None:
    """Print the package's version; if ``verbose``, also what all of its numbers depend on.

    Without ``verbose``, torch is not imported.
    """
    typer.echo(f"autosnn-nni {__version__}")
    if verbose:
        from autosnn_nni.runs.surroundings import surroundings

        for name, found in surroundings().items():
            typer.echo(f"{name} {found}")
