"""The one place that a send reaches."""

from __future__ import annotations

import json

from warden.gateway.jsonrpc import Call
from warden.gateway.sends import TOLD_EVERY_NS, Sends


def test_a_send_is_refused_and_counted_and_told_rarely() -> None:
    """Each send gets a clear answer; of many, people hear once in ten seconds, with the count (RP7, AL6)."""
    told: list[tuple[str, int]] = []
    sends = Sends(lambda method, count: told.append((method, count)))
    for number in range(5):
        reply = sends.refuse(Call("eth_sendRawTransaction"), 1 + number)
        assert reply.error
        error = json.loads(reply.body)
        assert error["code"] == -32004
        assert "executor" in error["message"]
    sends.refuse(Call("eth_sign"), 1 + TOLD_EVERY_NS)
    assert sends.refused == 6
    assert told == [("eth_sendRawTransaction", 1), ("eth_sign", 5)]
