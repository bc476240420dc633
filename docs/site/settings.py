"""The reference of a run's settings, made from :class:`Settings` itself."""

import dataclasses
import re
from typing import Any

from autosnn_nni.runs.settings import STAGES, Settings
from docs.site.command_line import commands, flags
from docs.site.markdown import cell, table

_TITLES = {
    "supernet": "Stage 1, the supernet",
    "search": "Stage 2, the search",
    "choice": "The choice of the winner",
    "retrain": "Stage 3, training from scratch",
    "seeds": "Seeds",
}


def settings() -> str:
    """Every setting with its option and its default, by stage, as Markdown."""
    return "\n\n".join(f"## {_TITLES[stage]}\n\n{_of_stage(stage)}" for stage in STAGES)


def _of_stage(stage: str) -> str:
    options = {one.name: flags(one) for one in dict(commands())["autosnn search"].params}
    rows = [
        _row(one, options[one.name])
        for one in dataclasses.fields(Settings)
        if one.metadata["stage"] == stage
    ]
    return table(["in settings.json", "option", "what it is", "default"], rows)


def _row(setting: "dataclasses.Field[Any]", option: str) -> list[str]:
    text, _, default = setting.metadata["help"].partition(" [default: ")
    if setting.default not in (None, ()):
        default = f"`{setting.default}`"
    key = setting.name.rstrip("_")
    return [f"`{key}`", f"`{option}`", cell(text), re.sub(r"\]$", "", default)]
