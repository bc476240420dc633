"""References of docstrings."""

from griffe import Docstring, Function

from docs.site.roles import Roles


def test_a_reference_is_shown_as_code() -> None:
    function = Function("load", docstring=Docstring("Raises :class:`UserError`; see :meth:`~a.b`."))
    Roles().on_object(obj=function)
    assert function.docstring is not None
    assert function.docstring.value == "Raises `UserError`; see `a.b`."
