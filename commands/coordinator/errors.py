"""What can go wrong with a back end, named for what the caller does about it.

CoordinatorError        any of the below
 |- Unreachable         nothing was sent or nothing is known to have arrived: try again
 |- Uncertain           it was sent and no answer came: read back before trying again
 |- RateLimited         answered 429: a stop tries again at once, all else waits ``retry_after`` seconds
 |- Refused             answered and said no: ``code`` tells why, trying again changes nothing
 |- Unintelligible      answered with something that is no answer of a coordinator: check the URL
"""


class CoordinatorError(Exception):
    """One sentence for people in ``str(error)``: what happened, never a body, a token or a trace."""


class Unreachable(CoordinatorError):
    """Connection refused, reset before sending, DNS, or no connection in time."""


class Uncertain(CoordinatorError):
    """The request left us and no complete answer came: a time-out, a reset, or a 5xx answer."""


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
