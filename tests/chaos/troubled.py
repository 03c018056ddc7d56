"""Stands between functions and the AWS emulator, and does to their calls what AWS does on its worse days."""

import http.client
import math
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.receivers import LoopbackServer

_PATIENCE_S = 30
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


class Fate(StrEnum):
    """What becomes of a call."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    FAILED = "failed"
    """Not carried out."""
    FAILED_AFTERWARDS = "carried out and answered as failed"
    CUT_OFF = "carried out and never answered"


_WAITS = re.compile(rb'("(?:DelaySeconds|VisibilityTimeout)": ?)(\d+)')
_TROUBLES = (Fate.THROTTLED, Fate.FAILED, Fate.FAILED_AFTERWARDS, Fate.CUT_OFF)


@dataclass
class Weather:
    """How many calls come to grief: a few always, most of them for some seconds now and again."""

    usual: float = 0.02
    storm: float = 0.5
    storm_s: float = 2.0
    every_s: float = 10.0
    is_calm: bool = False
    """Nothing happens to anybody any more."""

    def trouble(self, now_s: float) -> bool:
        """Whether a call that comes now comes to grief."""
        part = self.storm if now_s % self.every_s < self.storm_s else self.usual
        return not self.is_calm and random.random() < part


@dataclass
class Troubled:
    """Where it answers, and what it has done to whom."""

    url: str
    target: str
    weather: Weather = field(default_factory=Weather)
    speed: float = 1
    """How many times as fast the clocks of those run who come this way: SQS is told as much shorter waits, of whole
    seconds, never none."""
    fates: Counter[Fate] = field(default_factory=Counter)

    def fate(self) -> Fate:
        """Of the next call."""
        fate = random.choice(_TROUBLES) if self.weather.trouble(time.monotonic()) else Fate.ANSWERED
        self.fates[fate] += 1
        return fate

    def hurried(self, body: bytes) -> bytes:
        """What is passed on of a call's body."""
        if self.speed == 1:
            return body

        def shorter(wait: re.Match[bytes]) -> bytes:
            return wait[1] + str(math.ceil(int(wait[2]) / self.speed)).encode()

        return _WAITS.sub(shorter, body)


@contextmanager
def troubled(target: str) -> Iterator[Troubled]:
    """A way to the emulator at this URL on which calls come to grief."""
    server = _Server(_Handler)
    server.way = way = Troubled(server.url, target)
    with server.running():
        yield way


class _Server(LoopbackServer):
    way: Troubled


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    _onward: http.client.HTTPConnection | None = None

    def do_POST(self) -> None:
        body = self.server.way.hurried(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        match self.server.way.fate():
            case Fate.THROTTLED:
                self._refuse(400, "ThrottlingException")
            case Fate.FAILED:
                self._refuse(500, "InternalServerError")
            case Fate.FAILED_AFTERWARDS:
                self._pass_on(body)
                self._refuse(500, "InternalServerError")
            case Fate.CUT_OFF:
                self._pass_on(body)
                self.close_connection = True
            case _:
                self._answer(*self._pass_on(body))

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815 - http.server's names

    def _pass_on(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if self._onward is None:
            self._onward = http.client.HTTPConnection(urlsplit(self.server.way.target).netloc, timeout=_PATIENCE_S)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        self._onward.request(self.command, self.path, body, headers)
        answer = self._onward.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def _refuse(self, status: int, code: str) -> None:
        body = f'{{"__type": "{code}", "message": "made up by a test"}}'.encode()
        self._answer(status, {"Content-Type": "application/x-amz-json-1.0"}, body)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def finish(self) -> None:
        if self._onward:
            self._onward.close()
        super().finish()

    def log_message(self, *_: object) -> None:
        """The fates say it all."""
