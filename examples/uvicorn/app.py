"""A small Starlette app to put behind Understudy: every kind of answer a model server gives."""

import asyncio
import json
import os
import time
from collections import Counter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

WHO_AM_I = {
    "backend": os.environ.get("UNDERSTUDY_BACKEND", "uvicorn"),
    "port": int(os.environ.get("UNDERSTUDY_PORT", "0")),
    "worker": int(os.environ.get("UNDERSTUDY_WORKER", "1")),
    "pid": os.getpid(),
}
executions: Counter[str] = Counter()


def number(request: Request, name: str, fallback: float) -> float:
    return float(request.query_params.get(name, fallback))


async def home(request: Request) -> JSONResponse:
    return JSONResponse(WHO_AM_I)


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def slow(request: Request) -> JSONResponse:
    await asyncio.sleep(number(request, "ms", 100) / 1000)
    return JSONResponse(WHO_AM_I)


async def stream(request: Request) -> StreamingResponse:
    """Server-sent events: `n` of them, one each `ms`."""
    count, pause = int(number(request, "n", 5)), number(request, "ms", 100) / 1000

    async def events():
        for event in range(1, count + 1):
            yield f"data: {json.dumps({**WHO_AM_I, 'event': event})}\n\n"
            await asyncio.sleep(pause)

    return StreamingResponse(events(), media_type="text/event-stream")


async def echo(request: Request) -> Response:
    # Collected first: a StreamingResponse listens for the client's departure, and would take the body's chunks for it.
    kind = request.headers.get("content-type", "application/octet-stream")
    return Response(await request.body(), media_type=kind)


async def cpu(request: Request) -> JSONResponse:
    """Burns CPU the way inference does: the worker answers nothing else meanwhile."""
    end = time.perf_counter() + number(request, "ms", 50) / 1000
    while time.perf_counter() < end:
        pass
    return JSONResponse(WHO_AM_I)


async def count(request: Request) -> JSONResponse:
    """POST counts an execution under `key`; GET tells how many there were in this worker."""
    key = request.query_params.get("key", "")
    if request.method == "POST":
        executions[key] += 1
    return JSONResponse({**WHO_AM_I, "key": key, "executions": executions[key]})


async def websocket_echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


app = Starlette(
    routes=[
        Route("/", home),
        Route("/health", health),
        Route("/slow", slow),
        Route("/stream", stream),
        Route("/echo", echo, methods=["POST", "PUT"]),
        Route("/cpu", cpu),
        Route("/count", count, methods=["GET", "POST"]),
        WebSocketRoute("/ws", websocket_echo),
    ]
)
