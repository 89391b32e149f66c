"""The stop's format, frozen for ever: these bytes may never change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.stops import STOP_ID, CleanUp, Stop, StopReason, decode_stop, encode_stop

FULL = Stop(
    stop_id="20260101T000000Z-console-1",
    reason="CAPITAL_LOSS",
    message='20 % of capital "gone"\nstop §',
    operator="anna",
    policy="cancel",
    time="2026-01-01T00:00:00.000Z",
)
FULL_BYTES = (
    b'{"stop_id":"20260101T000000Z-console-1","reason":"CAPITAL_LOSS",'
    b'"message":"20 % of capital \\"gone\\"\\nstop \xc2\xa7","operator":"anna",'
    b'"policy":"cancel","time":"2026-01-01T00:00:00.000Z"}\n'
)
LEAST_BYTES = b'{"stop_id":"s","reason":"MANUAL","message":"","operator":"","policy":"hold","time":""}\n'


def test_the_bytes_of_a_stop_are_frozen() -> None:
    """A console of any age can stop a system of any age: if this fails, the code is wrong, not the test."""
    assert encode_stop(FULL) == FULL_BYTES
    assert encode_stop(Stop(stop_id="s")) == LEAST_BYTES
    assert decode_stop(FULL.stop_id, FULL_BYTES) == FULL
    assert decode_stop("s", LEAST_BYTES) == Stop(stop_id="s")


def test_the_words_of_a_stop_are_frozen() -> None:
    """Reasons and policies that were ever written stay readable; new ones may come (ES1, ES6)."""
    assert {
        "MANUAL",
        "CIRCUIT_BREAKER",
        "CAPITAL_LOSS",
        "DAILY_LOSS",
        "DRAWDOWN",
        "SYSTEM_ERROR",
        "HEALTH",
        "NETWORK_FAILURE",
        "SECURITY_BREACH",
        "DATA_INTEGRITY",
        "HEARTBEAT_LOST",
        "STARTUP_CHECK",
        "REGULATORY",
    } <= {each.value for each in StopReason}
    assert [each.value for each in CleanUp] == ["hold", "cancel", "flatten"]


def test_a_stop_from_the_future_stops_the_past() -> None:
    """Fields, reasons and policies that this version does not know are a stop all the same."""
    stop = decode_stop("x", b'{"stop_id":"x","reason":"COMET","policy":"hide","colour":"red","time":"t"}')
    assert (stop.stop_id, stop.reason, stop.policy, stop.time) == ("x", "COMET", "hide", "t")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{",
        b"[]",
        b"null",
        b'{"stop_id":7}',
        FULL_BYTES[:50],
        b"\xff\xfe\x00",
        b"stop please",
        b'{"x":' + b"[" * 60_000,
    ],
)
def test_any_content_is_a_stop(content: bytes) -> None:
    """An empty, torn or foreign file stops as well as a good one (ES4)."""
    stop = decode_stop("anything", content)
    assert stop.stop_id == "anything"
    assert stop.reason == StopReason.MANUAL
    assert stop.message


def test_the_files_name_counts_not_what_it_holds() -> None:
    """A copied or renamed stop file is told and cleared by its own name."""
    assert decode_stop("copy", FULL_BYTES).stop_id == "copy"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    """Whatever is in the file, there is a stop and no exception."""
    assert decode_stop("name", content).stop_id == "name"


@given(st.builds(Stop, stop_id=st.from_regex(STOP_ID, fullmatch=True), message=st.text(), operator=st.text()))
def test_a_stop_comes_back_as_it_was_written(stop: Stop) -> None:
    """Every text survives, in one line."""
    encoded = encode_stop(stop)
    assert decode_stop(stop.stop_id, encoded) == stop
    assert encoded.count(b"\n") == 1


@pytest.mark.parametrize(
    "stop_id", ["", ".", "..", "a/b", ".hidden", "-x", "a b", "a" * 81, "é", "a\n", "a\0"]
)
def test_an_id_is_a_plain_file_name(stop_id: str) -> None:
    """An id can't leave the directory or hide in it."""
    assert STOP_ID.fullmatch(stop_id) is None
