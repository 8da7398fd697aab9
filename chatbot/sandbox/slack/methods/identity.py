"""Who is who: auth, people, user groups, bots, and the door to Socket Mode."""

from chatbot.sandbox.slack.methods.context import Context, Method, page_of, word, yes
from chatbot.sandbox.slack.model import APP, BOT, BOT_USER, TEAM, Json
from chatbot.sandbox.slack.passes import ApiError
from chatbot.sandbox.slack.socket_mode import MOST_SOCKETS


def _auth_test(context: Context, _args: Json) -> Json:
    return {
        "url": context.base_url + "/",
        "team": "Fleet",
        "user": "fleet-bot",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def _api_test(_context: Context, args: Json) -> Json:
    if args.get("error"):
        raise ApiError(str(args["error"]), args=args)
    return {"args": args}


def _open_connection(context: Context, _args: Json) -> Json:
    if len(context.hub.links) >= MOST_SOCKETS:
        raise ApiError("too_many_websockets")
    door = context.base_url.replace("http", "ws", 1)
    return {"url": f"{door}/link/?ticket={context.hub.ticket()}&app_id={APP}"}


def _user(context: Context, args: Json) -> Json:
    person = context.workspace.people.get(word(args, "user", "user_not_found"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": person.wire()}


def _presence(context: Context, args: Json) -> Json:
    person = context.workspace.people.get(str(args.get("user") or BOT_USER))
    if person is None or person.deleted or person.is_stranger:
        raise ApiError("user_not_found")
    shown: Json = {"presence": person.presence}
    if person.id == BOT_USER:  # of others Slack tells no more than the one word
        shown |= {"online": person.presence == "active", "auto_away": False, "manual_away": False}
    return shown


def _users(context: Context, args: Json) -> Json:
    page, metadata = page_of(args, [person.wire() for person in context.workspace.people.values()])
    return {"members": page, "cache_ts": 0, "response_metadata": metadata}


def _groups(context: Context, args: Json) -> Json:
    groups = []
    for group_id, (handle, members) in context.workspace.groups.items():
        group: Json = {
            "id": group_id,
            "team_id": TEAM,
            "is_usergroup": True,
            "handle": handle,
            "name": handle,
        }
        group |= {"date_delete": 0, "user_count": len(members)}
        if yes(args, "include_users"):
            group["users"] = sorted(members)
        groups.append(group)
    return {"usergroups": groups}


def _group_members(context: Context, args: Json) -> Json:
    group = context.workspace.groups.get(word(args, "usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": sorted(group[1])}


def _bot(_context: Context, args: Json) -> Json:
    if args.get("bot", BOT) != BOT:
        raise ApiError("bot_not_found")
    return {"bot": {"id": BOT, "deleted": False, "name": "fleet-bot", "app_id": APP, "user_id": BOT_USER}}


IDENTITY = {
    "api.test": Method(run=_api_test),
    "auth.test": Method(run=_auth_test),
    "apps.connections.open": Method(run=_open_connection, app_token=True),
    "users.info": Method(run=_user, scope="users:read"),
    "users.getPresence": Method(run=_presence, scope="users:read"),
    "users.list": Method(run=_users, scope="users:read"),
    "usergroups.list": Method(run=_groups, scope="usergroups:read"),
    "usergroups.users.list": Method(run=_group_members, scope="usergroups:read"),
    "bots.info": Method(run=_bot, scope="users:read"),
}
