"""The api as a process: real HTTP over real sockets, with real telemetry, and strangers."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.instance import DEVNET_TOML, Instance, wait_until
from tests.process.speaker import Speaker
from tests.unit.api.samples import trading
from warden.domain.roles import Role
from warden.runtime.clock import SystemClock
from warden.runtime.venue import served_url

if TYPE_CHECKING:
    from collections.abc import Iterator


def address(instance: Instance) -> tuple[str, int]:
    """Return where the api answers, once it does."""
    wait_until(lambda: served_url(instance.places, Role.API) is not None, "address of the api")
    host, _, port = str(served_url(instance.places, Role.API)).removeprefix("http://").rpartition(":")
    return host, int(port)


def ask(where: tuple[str, int], path: str, method: str = "GET") -> tuple[int, bytes]:
    """Make one request on a connection of its own."""
    with closing(http.client.HTTPConnection(*where, timeout=60)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()


@pytest.fixture
def instance() -> Iterator[Instance]:
    """Start an api in an instance of its own."""
    with Instance() as made:
        made.start(Role.API)
        yield made


def test_it_answers_honestly_from_the_first_moment(instance: Instance) -> None:
    """OB5, I10: with nobody else alive it says UNKNOWN with 503, and null where nothing is there."""
    where = address(instance)
    status, body = ask(where, "/health")
    assert status == 503
    assert json.loads(body)["status"] == "UNKNOWN"
    assert json.loads(ask(where, "/api/health/status")[1])["processes"] is None
    assert json.loads(ask(where, "/api/health/last_snapshot")[1])["journals"] is None
    assert ask(where, "/metrics")[0] == 200
    assert instance.end(Role.API) == 0


def test_health_follows_the_system_and_goes_stale_with_it(instance: Instance) -> None:
    """OB5, I10: 200 TRADING while everyone speaks; silence makes it 503 UNKNOWN and takes the gauges away."""
    where = address(instance)
    speakers = {role: Speaker(instance, role) for role in trading()}

    def healthy() -> bool:
        now_ns = SystemClock().boot_ns()
        for role, status in trading().items():
            speakers[role].say(msgspec.structs.replace(status, sent_ns=now_ns))
        return ask(where, "/health")[0] == 200

    try:
        wait_until(healthy, "200 from /health")
        page = ask(where, "/metrics")[1].decode()
        assert "\nwarden_mode 3.0\n" in page
    finally:
        for speaker in speakers.values():
            speaker.close()
    wait_until(lambda: ask(where, "/health")[0] == 503, "503 after everyone fell silent")
    found: dict[str, Any] = json.loads(ask(where, "/health")[1])
    assert found["status"] == "UNKNOWN"
    page = ask(where, "/metrics")[1].decode()
    assert "\nwarden_mode " not in page
    assert 'warden_snapshot_stale{role="watchdog"} 1.0' in page


def test_nothing_but_get_of_a_known_path(instance: Instance) -> None:
    """OB5: other methods 405, other paths 404, on the wire as in the rules."""
    where = address(instance)
    assert {method: ask(where, "/health", method)[0] for method in ("POST", "PUT", "DELETE", "HEAD")} == {
        "POST": 405,
        "PUT": 405,
        "DELETE": 405,
        "HEAD": 405,
    }
    status, body = ask(where, "/etc/passwd")
    assert status == 404
    assert json.loads(body)["error"] == "no such path"


def test_strangers_cannot_take_all_connections(instance: Instance) -> None:
    """Bounded: beyond 64 connections the next are closed at once, and with some gone it answers again."""
    where = address(instance)
    idle = [socket.create_connection(where, timeout=60) for _ in range(64)]
    try:

        def refused() -> bool:
            with closing(socket.create_connection(where, timeout=60)) as extra:
                return extra.recv(1) == b""

        wait_until(refused, "refusal of one connection too many")
    finally:
        for each in idle:
            each.close()

    def answers() -> bool:
        try:
            return ask(where, "/metrics")[0] == 200
        except (http.client.HTTPException, OSError):
            return False

    wait_until(answers, "answer once there is room")


@pytest.mark.parametrize(
    "rubbish", [b"\x00" * 5_000, b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n", b"hello\r\n\r\n"]
)
def test_rubbish_is_survived(instance: Instance, rubbish: bytes) -> None:
    """What is no request is answered with 400 or hung up on, and leaves no trace in the log."""
    where = address(instance)
    with closing(socket.create_connection(where, timeout=60)) as stranger:
        stranger.sendall(rubbish)
        stranger.shutdown(socket.SHUT_WR)
        try:
            answer = stranger.recv(65_536)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or b" 400 " in answer.splitlines()[0]
    assert ask(where, "/metrics")[0] == 200
    assert "Traceback" not in instance.output(Role.API)


def test_a_port_in_use_is_one_clear_line() -> None:
    """Bad input: the address, what is wrong with it, and the mend; exit code 2; no traceback."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with Instance(DEVNET_TOML.replace("[api]\nport = 0", f"[api]\nport = {port}")) as instance:
            assert instance.start(Role.API).wait(60) == 2
            output = instance.output(Role.API)
            assert (
                f"api: 127.0.0.1 port {port} is in use by another program: set api.host and api.port"
                in output
            )
            assert "Traceback" not in output


@pytest.mark.parametrize(
    ("host", "says"),
    [("203.0.113.7", "is not an address of this machine"), ("no such host", "is no address")],
)
def test_a_wrong_host_is_one_clear_line(host: str, says: str) -> None:
    """Bad input: a host that is not ours, or none at all; exit code 2; no traceback."""
    with Instance(DEVNET_TOML + f'host = "{host}"\n') as instance:
        assert instance.start(Role.API).wait(60) == 2
        assert says in instance.output(Role.API)
        assert "Traceback" not in instance.output(Role.API)
