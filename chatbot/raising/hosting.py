"""An approved program on the fleet's host: run once, its end told; one that restarts the coordinator is a release."""

from pathlib import Path

from chatbot.approvals.binding import on_host
from chatbot.raising.steps import OverError, Raise
from commands import host_actions
from commands.coordinator.model import FleetStatus
from commands.words import cut
from storage.actions import State

OUTPUT_SHOWN = 300


async def run_on_host(run: Raise) -> None:
    """Run the named program; after a restart of ours it is never run again, for it may have been."""
    action, desk = run.action, run.desk
    wanted = next((each for each in desk.recovery.host_actions if each.name == action.target), None)
    if wanted is None:
        raise OverError(run.given_up, f"The configuration names no host action {action.target} any more.")
    if (action.option != "run") is not wanted.releases:
        # The rules of a release are held by the option, which is settled when it is asked.
        raise OverError(
            run.given_up, f"Whether {wanted.name} counts as a release was changed since, so it was not run."
        )
    if run.begun:
        raise OverError(
            State.ABANDONED,
            f"{wanted.name} may have been run before this bot was restarted, so it is not run again: look there.",
        )
    held = run.asked_in.latch
    releases = action.option != "run" and held is not None
    await run.allowed(on_host(desk.recovery, action)[0], of_the_fleet=action.option != "run")
    run.tried = run.writing = True
    home = Path(desk.recovery.home) if desk.recovery.home else None
    outcome = await host_actions.run(wanted, home=home)
    run.writing = False
    said = [outcome.sentence]
    if outcome.output.strip():
        said.append(f"It said: {cut(' '.join(outcome.output.split()), OUTPUT_SHOWN)}")
    await run.keep(*said)
    await run.after_write()  # also behind one that failed: what it did until then may have undone a kill
    if outcome.code != 0:
        raise OverError(State.FAILED, *said)
    if not releases:
        await run.finish(State.VERIFIED, *said)
        return
    status = await run.seen(_released, times=1, gap=0, failed=lambda _: None)
    if status is None:
        raise OverError(
            State.NOT_VERIFIED,
            *said,
            "The kill switch was not seen inactive after it. Our record still holds the kill, and it is sent again.",
        )
    await run.finish(
        State.VERIFIED,
        *said,
        "The coordinator has forgotten the kill, and our record no longer holds it. No bot was started by this.",
        release=held,
    )


def _released(status: FleetStatus) -> bool:
    return status.kill_switch_active is False
