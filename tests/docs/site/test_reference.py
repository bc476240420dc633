"""The reference pages that are made from the program."""

import dataclasses

import pytest

from autosnn_nni.cli.names import names as names_of
from autosnn_nni.errors import UserError
from autosnn_nni.runs.settings import Settings
from docs.site.command_line import command_line, commands, flags
from docs.site.markdown import cell
from docs.site.names import ABOUT, names
from docs.site.settings import settings


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The text on the command line by the command."""
    found = {}
    for section in command_line().split("## ")[1:]:
        name, _, text = section.partition("\n")
        found[name] = text
    return found


def test_every_command_has_a_section(sections: dict[str, str]) -> None:
    assert list(sections) == [name for name, _ in commands()]
    assert {"autosnn", "autosnn search", "autosnn table make"} <= sections.keys()


def test_a_section_has_all_arguments_and_options_with_their_help(sections: dict[str, str]) -> None:
    for name, command in commands():
        assert cell(command.help) in cell(sections[name])
        shown = [one for one in command.params if not getattr(one, "hidden", False)]
        options = [one for one in shown if one.param_type_name == "option"]
        assert [one.name for one in options if f"`{flags(one)}" not in sections[name]] == []
        assert [one.name for one in shown if cell(one.help or "") not in sections[name]] == []


def test_usage_and_defaults(sections: dict[str, str]) -> None:
    assert "    autosnn predict [OPTIONS] TRAINED IMAGES..." in sections["autosnn predict"]
    assert "    autosnn evaluate [OPTIONS] [TRAINED]" in sections["autosnn evaluate"]
    assert "| `--scale TEXT` |" in sections["autosnn reproduce"]
    assert "| `--plugin PATH ...` |" in sections["autosnn search"]
    assert "| `small` |" in sections["autosnn reproduce"]


def test_every_setting_has_a_row_with_its_option_and_its_default() -> None:
    page = settings()
    for one in dataclasses.fields(Settings):
        assert f"| `{one.name.rstrip('_')}` | `--" in page
    assert (
        "| `lambda` | `--lambda` | 0 or negative; lower values favour fewer spikes | `-0.08` |"
        in page
    )
    assert "| `rounds` | `--rounds` | Generations | 10; predictor: 40; exhaustive: all |" in page


def test_every_name_is_there_and_every_kind_is_explained() -> None:
    page = names()
    with pytest.raises(UserError) as refused:
        names_of("?")  # the message names all kinds
    assert sorted(str(refused.value).partition("known: ")[2].split(", ")) == sorted(ABOUT)
    assert [name for kind in ABOUT for name in names_of(kind) if f"`{name}`" not in page] == []
    assert "| `random` | The paper's baseline" in page
