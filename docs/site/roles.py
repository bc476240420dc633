"""References of docstrings, ``:class:`X```, as the site's Markdown."""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`~?([^`]+)`")


class Roles(Extension):
    """Shows what a role refers to as code."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Called for every object that has been read."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)
