"""The typed commands that look closer: /diagnose, /logs, /config, /evidence, /host."""

from chatbot.diagnosing.configuring import Configuring
from chatbot.diagnosing.evidencing import Evidencing
from chatbot.diagnosing.hosting import Hosting
from chatbot.diagnosing.reporting import Reporting
from chatbot.views.blocks import Message
from commands.spec import Request, Role

NAMES = frozenset({"diagnose", "logs", "config", "evidence", "host"})


class DiagnosisAnswering:
    """Answers what is typed, and settles what a request for approval means before it is asked."""

    def __init__(
        self, *, reporting: Reporting, configuring: Configuring, evidencing: Evidencing, hosting: Hosting
    ) -> None:
        self._reporting = reporting
        self._configuring = configuring
        self._evidencing = evidencing
        self._hosting = hosting

    async def answer(self, request: Request, *, by: str, role: Role, key: str) -> Message:
        """The answer; UserError says what was not done."""
        match request.command:
            case "diagnose":
                return await self._reporting.diagnose(request)
            case "logs":
                return await self._reporting.logs(request)
            case "config":
                return await self._configuring.answer(request, by=by)
            case "evidence":
                return await self._evidencing.take(request, by=by, key=key)
            case _:
                return await self._hosting.answer(request, by=by, role=role, key=key)

    def named(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        """The request as the configuration means it: which risk a host action has; and what its card says."""
        return self._hosting.settled(request) if request.command == "host" else (request, ())

    async def settled(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        """A restore with the very bytes that it means, and what its card says; other requests as they are."""
        return await self._configuring.settled(request) if request.command == "config" else (request, ())
