"""The exception for user errors; the command line prints it as one line."""


class UserError(ValueError):
    """Invalid user input: one line that says what is wrong and what to do."""
