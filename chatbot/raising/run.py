"""Runs one approved action, by its command, to an end that everybody is told."""

import secrets

import structlog

from chatbot.desk import Desk
from chatbot.raising import hosting, releasing, reopening, restoring, starting
from chatbot.raising.record import LostError, NewerKillError
from chatbot.raising.steps import OverError, Raise
from storage import lockdown
from storage.actions import Action, State

log = structlog.get_logger(__name__)


class RaiseRun:
    """The run of one approved action; it ends by itself, or when the fleet is killed."""

    def __init__(self, *, action: Action, desk: Desk, owner: str, resumed: bool) -> None:
        self.id = action.id
        self._raise = Raise(action=action, desk=desk, owner=owner, resumed=resumed)

    def abandon(self) -> None:
        """The fleet is killed: nothing more of this is sent."""
        self._raise.killed.set()

    @property
    def only_reading(self) -> bool:
        """True while nothing of it is on its way: another process can go on with it just as well."""
        return not self._raise.writing

    async def run(self) -> None:
        """Send what was approved if it still stands, read back, and say what was seen."""
        structlog.contextvars.bind_contextvars(action=self.id, person=self._raise.action.requested_by)
        try:
            await self._to_its_end()
        except LostError:
            log.warning("another process has taken over an approved action")
        except Exception:
            # A mistake of ours: ended in sight of all, for a run that is taken up again might send again.
            reference = f"ref-{secrets.token_hex(3)}"
            log.exception("an approved action failed", reference=reference)
            await self._raise.finish(
                State.FAILED,
                *self._raise.said,
                f"Something went wrong in this bot (reference {reference}) and it may have been sent: look at "
                "the fleet's status before the next step.",
            )

    async def _to_its_end(self) -> None:
        try:
            approved_by = await self._raise.load()
            match self._raise.action.command:
                case "override" | "force-override":
                    await releasing.release(self._raise, approved_by)
                case "start" | "resume":
                    await starting.one(self._raise)
                case "start-sequential":
                    await starting.all_of_them(self._raise)
                case "recover":
                    await reopening.reopen(self._raise)
                case "config":
                    await restoring.restore(self._raise)
                case "host":
                    await hosting.run_on_host(self._raise)
                case _:
                    await _end_lockdown(self._raise)
        except OverError as over:
            log.warning("an approved action ended early", state=over.state.value, said=over.said)
            await self._raise.finish(over.state, *over.said)
        except NewerKillError:
            await self._raise.finish(
                State.ABANDONED,
                "The fleet was killed again while this was under way. Our release may have been sent; the kill stands, "
                "and its card tells what was seen.",
            )


async def _end_lockdown(run: Raise) -> None:
    """End the lockdown that it was asked to end: our own record, read back from the database."""
    wanted, at = run.asked_in.lockdown, run.desk.now()
    if not run.begun:
        await run.allowed("the end of the lockdown, in our own record", of_the_fleet=False)
    if wanted is not None:
        await run.stored(lambda conn: lockdown.end(conn, wanted, by=run.action.id, at=at))
    standing = await run.stored(lockdown.current, reading=True)
    if standing is not None and standing.id == wanted:
        raise OverError(State.FAILED, "The lockdown still stands by our record.")
    if standing is not None:
        await run.finish(State.VERIFIED, "That lockdown has ended; another one began since and stands.")
        return
    await run.finish(State.VERIFIED, "No lockdown stands any more: what raises risk can be asked again.")
