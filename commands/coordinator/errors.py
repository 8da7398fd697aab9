"""What can go wrong with a back end, named for what the caller does about it.

CoordinatorError        any of the below
 |- Unreachable         nothing was sent or, for a read, nothing was learnt: try again
 |- Uncertain           a write was sent and its outcome is not known: read back before trying again
 |- RateLimited         answered 429: a stop tries again at once, all else waits ``retry_after`` seconds
 |- Refused             answered and said no: ``code`` tells why, trying again changes nothing
 |- Unintelligible      answered with something that is no answer of a coordinator: check the URL, read back a write
"""

# ruff: noqa: N818 - each is named for what happened, as an except clause reads it


class CoordinatorError(Exception):
    """One sentence for people in ``str(error)``: what happened, never a body, a token or a trace."""


class Unreachable(CoordinatorError):
    """Connection refused, reset before sending, DNS, no connection in time; for a read any other failure to answer."""


class Uncertain(CoordinatorError):
    """The write left us and no clear answer came: a time-out, a reset, a 5xx answer or INTERNAL_ERROR."""


class RateLimited(CoordinatorError):
    """Too many requests; ``retry_after`` in seconds, ``None`` when the back end names none."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(CoordinatorError):
    """A clear no: 4xx other than 429, or ``success: false``; ``code`` as in the contract where it has one."""

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Unintelligible(CoordinatorError):
    """Not JSON, not an object, a redirect, too large, or without the fields that make it a coordinator."""
