"""The pages of the project: their commands and their blocks of code."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]

_BLOCK = re.compile(
    r"^(?:<!-- lines of (?P<of>\S+) -->\n)?"
    r'```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(
    r"^    ((?:\w+=\S+ )*(?:autosnn|python|nnictl) (?!-c)(?:.*\\\n)*.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``title`` is the file that the page writes it to, ``of`` its origin."""

    language: str
    text: str
    title: str | None = None
    of: str | None = None


@dataclass(frozen=True)
class Command:
    """A line for the terminal, without comments and environment variables."""

    program: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join([self.program, *self.arguments])


def steps(page: Path) -> Iterator[Block | Command]:
    """A page's blocks and commands, in their order."""
    text = page.read_text()
    found = [*_BLOCK.finditer(text), *_COMMAND.finditer(_BLOCK.sub(_blank, text))]
    for match in sorted(found, key=re.Match.start):
        named = match.groupdict()
        yield Block(**named) if named else _command(match[1])


def blocks(page: Path, language: str) -> list[Block]:
    """A page's blocks in a language."""
    return [one for one in steps(page) if isinstance(one, Block) and one.language == language]


def commands(page: Path) -> list[Command]:
    """A page's commands."""
    return [one for one in steps(page) if isinstance(one, Command)]


def with_python(documents: list[Path]) -> list[Path]:
    """The documents with blocks of Python."""
    return [page for page in documents if blocks(page, "python")]


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _command(line: str) -> Command:
    words = shlex.split(line.replace("\\\n", " "), comments=True)
    while "=" in words[0]:
        words.pop(0)
    program, *arguments = (word for word in words if word != "...")
    return Command(program, tuple(arguments))
