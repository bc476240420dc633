"""The one exception for what the user can mend; the command line prints it as one line."""


class UserError(ValueError):
    """What the user gave is wrong: one line that says what is wrong and what to do."""
