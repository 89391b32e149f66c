"""Which path answers what. Anything but a GET of one of them is refused, as JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.api import documents, metrics
from warden.wire.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from warden.api.core import State

JSON: Final = "application/json"


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = JSON
    allow: str = ""


def _health(state: State, _requests: int, now_ns: int) -> Answer:
    status, document = documents.health(state, now_ns)
    return Answer(status, to_json(document))


def _status(state: State, _requests: int, now_ns: int) -> Answer:
    return Answer(200, to_json(documents.status(state, now_ns)))


def _uptime(state: State, _requests: int, now_ns: int) -> Answer:
    return Answer(200, to_json(documents.uptime(state, now_ns)))


def _last_snapshot(state: State, _requests: int, now_ns: int) -> Answer:
    return Answer(200, to_json(documents.last_snapshot(state, now_ns)))


def _metrics(state: State, requests: int, now_ns: int) -> Answer:
    return Answer(200, metrics.exposition(state, requests, now_ns), metrics.CONTENT_TYPE)


PAGES: Final[Mapping[str, Callable[[State, int, int], Answer]]] = MappingProxyType(
    {
        "/health": _health,
        "/metrics": _metrics,
        "/api/health": _health,
        "/api/health/status": _status,
        "/api/health/uptime": _uptime,
        "/api/health/last_snapshot": _last_snapshot,
    }
)


def answer(state: State, method: str, path: str, requests: int, now_ns: int) -> Answer:
    """Return the answer to one request at `now_ns` (BOOTTIME)."""
    if method != "GET":
        return Answer(405, to_json({"error": "only GET is answered here"}), allow="GET")
    page = PAGES.get(path)
    if page is None:
        return Answer(404, to_json({"error": "no such path", "paths": sorted(PAGES)}))
    return page(state, requests, now_ns)
