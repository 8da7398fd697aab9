"""A lockdown begins: one person, one step, also without a database; what waits for approval is void by it."""

from chatbot.desk import Desk
from chatbot.steps import Owing
from chatbot.views import approval as view
from chatbot.views.blocks import Message
from commands.spec import Request
from storage import lockdown


async def lock(desk: Desk, request: Request, *, by: str, source: str, key: str) -> Message:
    """Begin a lockdown, also without a database; returns what the person is told."""
    now = desk.now()
    notice = Owing(
        key=f"lockdown/{key or now.isoformat()}",
        channel=desk.ops,
        payload=view.lockdown_began(by, request.reason, now).payload(),
        priority=1,
    )
    recorded, entry = await desk.recorder.step(
        "locked",
        once=f"lockdown/{key}" if key else None,
        compose=lambda found: (notice,) if found is not None else (),
        at=now.isoformat(),
        actor=by,
        reason=request.reason,
        source=source,
    )
    if recorded and entry is None:
        held = await desk.database.read(lockdown.current)
        if held is not None:
            return view.lockdown_answer(held.by, held.begun_at, first=False, recorded=True, ops=desk.ops)
    if recorded:
        desk.sender.wake()
    else:
        desk.show_unrecorded((notice,))
    return view.lockdown_answer(by, now, first=True, recorded=recorded, ops=desk.ops)
