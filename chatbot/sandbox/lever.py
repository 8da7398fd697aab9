"""`python -m chatbot.sandbox.lever URL restart|clear-breaker`: what a host action of the sandbox runs."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

ACTS: Mapping[str, tuple[str, Mapping[str, bool]]] = MappingProxyType(
    {
        "restart": ("The coordinator was restarted.", {"stop_bots": True}),
        "clear-breaker": ("The file of the circuit breaker was removed.", {}),
    }
)
"""Name, also of the path -> what is said when it is done, and the body of the call."""

_SECONDS = 10
_USAGE = f"Usage: python -m chatbot.sandbox.lever URL {'|'.join(ACTS)}"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def pull(url: str, act: str) -> str:
    """What was done, as one sentence; ValueError for what makes no sense, OSError when the fleet does not do it."""
    address = urlsplit(url)
    if act not in ACTS:
        raise ValueError(f"There is no act {act}. {_USAGE}")
    if address.scheme != "http" or address.hostname not in _LOOPBACK:
        raise ValueError("The control of the fleet must be an http address on this machine.")
    done, body = ACTS[act]
    request = urllib.request.Request(  # noqa: S310 - http on loopback, as checked above
        f"{url.rstrip('/')}/{act}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    # no proxy: what is on this machine is asked on this machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_SECONDS):
        return done


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 1 not done, 2 asked for in the wrong way."""
    if len(arguments) != 2:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    try:
        said = pull(*arguments)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"The fleet did not do it ({error}).\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
