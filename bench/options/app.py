"""The application of `npm run bench:options`: one endpoint that costs a fixed amount of CPU, as inference does."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

ITERATIONS = int(os.environ.get("BENCH_ITERATIONS", "100000"))


def work(iterations: int) -> int:
    total = 0
    for number in range(iterations):
        total += number * number % 7
    return total


async def infer(request: Request) -> JSONResponse:
    return JSONResponse({"pid": os.getpid(), "total": work(ITERATIONS)})


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


app = Starlette(routes=[Route("/", infer), Route("/health", health)])
