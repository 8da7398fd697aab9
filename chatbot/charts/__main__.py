"""One chart: JSON from stdin, the PNG to stdout."""

import json
import os
import sys


def main() -> int:
    """Draw it; 1 and a line on stderr when it cannot be drawn."""
    if hasattr(os, "nice"):
        os.nice(10)  # a stop goes first, on a machine with one core too
    chart = json.load(sys.stdin)
    try:
        from chatbot.charts.drawing import draw

        picture = draw(chart)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller is told in one line
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
