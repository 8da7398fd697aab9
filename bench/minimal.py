"""The yardstick: the shortest bot that does the same on the wire, as a tutorial would write it; it keeps nothing.

Run with `python -m bench.minimal socket|http` and the environment of the bot.
"""

import asyncio
import os
import sys

import httpx
import uvicorn
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


async def main(mode: str, port: int) -> None:
    """Serve until killed."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])
    coordinator = httpx.AsyncClient(base_url=os.environ["CHATBOT_COORDINATOR__URL"], trust_env=False)

    @app.command("/kill")
    async def kill(ack, command, respond):  # type: ignore[no-untyped-def]
        await ack("Stopping the fleet.")
        await coordinator.post("/kill-switch", json={"action": "activate", "reason": command.get("text", "")})

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    async def alerts(request: Request) -> Response:
        for alert in (await request.json())["alerts"]:
            await client.chat_postMessage(channel="C0ALERTS", text=alert["annotations"]["summary"])
        return PlainTextResponse("ok")

    routes = [Route("/readyz", ready), Route("/hooks/alertmanager", alerts, methods=["POST"])]
    if mode == "http":
        handler = AsyncSlackRequestHandler(app)

        async def events(request: Request) -> Response:
            return await handler.handle(request)

        routes.append(Route("/slack/events", events, methods=["POST"]))
    else:
        await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).connect_async()
    config = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning", access_log=False
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(os.environ["CHATBOT_HTTP__PORT"])))
