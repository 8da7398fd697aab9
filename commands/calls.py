"""What an approved request sends, as data: the same for its card, which shows it word by word, and for its run."""

import json
from dataclasses import dataclass
from typing import Literal

from commands.coordinator.profile import Profile

WHO_APPROVES = "<whoever approves>"

Release = Literal["override", "force_override"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One POST to the coordinator."""

    path: str
    body: dict[str, str | bool]

    def shown(self, base: str) -> str:
        """The call in one line, as it goes over the wire."""
        return f"POST {base.rstrip('/')}{self.path} {json.dumps(self.body, ensure_ascii=False)}"


def release_word(command: str, profile: Profile) -> Release:
    """The word that releases the kill switch: ``override`` also where a back end knows no forced one."""
    forced = command == "force-override" and "force_override" in profile.kill_actions
    return "force_override" if forced else "override"


def release_reason(reason: str, action_id: str) -> str:
    """The reason that goes with a release; it names our action, so that it can be found in the coordinator's log."""
    return f"{reason} ({action_id})"


def calls(
    *,
    action_id: str,
    command: str,
    bot: str | None,
    option: str,
    reason: str,
    bots: tuple[str, ...],
    profile: Profile,
    approved_by: str = WHO_APPROVES,
) -> tuple[Call, ...]:
    """The calls of one action in their order; ``bots`` are those that a sequence starts one by one."""
    match command:
        case "override" | "force-override":
            body: dict[str, str | bool] = {
                "action": release_word(command, profile),
                "reason": release_reason(reason, action_id),
                "approved_by": approved_by,
            }
            return (Call(path=profile.kill_switch, body=body),)
        case "start":
            return (Call(path=profile.start, body={"bot": bot or "", "safe_mode": option != "full"}),)
        case "start-sequential" if option == "full":
            return (Call(path=profile.start_sequential, body={}),)
        case "start-sequential":
            return tuple(Call(path=profile.start, body={"bot": each, "safe_mode": True}) for each in bots)
        case "resume":
            return (Call(path=profile.resume, body={"bot": bot or ""}),)
        case _:
            return ()
