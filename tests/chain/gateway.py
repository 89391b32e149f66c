"""A gateway process before a devnet, for tests, and its status as listeners see it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Self

from tests.chain.devnet import HttpAnswer, post, request
from tests.instance import DEVNET_TOML, Instance, wait_until
from warden.devnet.manifest import MANIFEST_NAME
from warden.domain.roles import Role
from warden.runtime.venue import served_url
from warden.wire.telemetry import Event, GatewayStatus

if TYPE_CHECKING:
    from tests.chain.devnet import DevnetProcess

DEAD = "0x000000000000000000000000000000000000dEaD"


class GatewayProcess:
    """A gateway in an instance of its own. `devnet` is told to it by `introduce`."""

    def __init__(self, *, toml: str = DEVNET_TOML) -> None:
        self.instance = Instance(toml)
        self.bus = self.instance.bus(Role.OPERATOR)
        self.telemetry = self.bus.subscribe([Role.GATEWAY])
        self.status: GatewayStatus | None = None
        self.events: list[Event] = []
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.telemetry.close()
        self.bus.close()
        self.instance.close()

    def start(self) -> None:
        """Start the process and wait until it says where it listens."""
        self.instance.places.url_file(Role.GATEWAY).unlink(missing_ok=True)
        self.start_again()

    def start_again(self) -> None:
        """Start the process; it finds what the one before it left."""
        self.listen()
        self.status = None
        self.instance.start(Role.GATEWAY)
        wait_until(self._answers, "gateway that answers")
        # What is told before a listener is connected is lost, as telemetry may be.
        wait_until(self._heard, "status of the gateway")

    @property
    def url(self) -> str:
        """Where it listens."""
        url = served_url(self.instance.places, Role.GATEWAY)
        assert url is not None
        return url

    def introduce(self, devnet: DevnetProcess) -> None:
        """Tell it of a devnet and wait until all three endpoints are ok."""
        target = self.instance.places.devnet_manifest
        shutil.copy(devnet.directory / MANIFEST_NAME, target.with_suffix(".new"))
        target.with_suffix(".new").replace(target)
        self.wait_states("ok", "ok", "ok")

    def listen(self) -> None:
        """Take what the gateway has told since."""
        for _, message in self.telemetry.drain():
            if isinstance(message, GatewayStatus):
                self.status = message
            elif isinstance(message, Event):
                self.events.append(message)

    def states(self) -> tuple[str, ...]:
        """The endpoints' states by the newest status."""
        self.listen()
        return () if self.status is None else tuple(line.state for line in self.status.endpoints)

    def wait_states(self, *wanted: str) -> None:
        """Wait until the endpoints' states are these."""
        wait_until(lambda: self.states() == wanted, f"states {wanted}, last {self.states()}")

    def told(self, kind: str) -> bool:
        """Whether an event of a kind was heard."""
        self.listen()
        return any(event.kind == kind for event in self.events)

    def post(self, value: object) -> HttpAnswer:
        """Send a request of any form."""
        return post(self.url, value)

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 # any JSON
        """Send one call and give the whole answer."""
        return self.post(request(method, *params)).json()

    def read(self) -> str:
        """Read a balance and give the name of the endpoint that answered."""
        answer = self.post(request("eth_getBalance", DEAD, "latest"))
        assert "result" in answer.json(), answer.body
        return str(answer.headers["X-Warden-Endpoint"])

    def _heard(self) -> bool:
        self.listen()
        return self.status is not None

    def _answers(self) -> bool:
        assert self.instance.processes[Role.GATEWAY].poll() is None, self.instance.output(Role.GATEWAY)
        if served_url(self.instance.places, Role.GATEWAY) is None:
            return False
        try:
            return self.post(request("eth_chainId")).status == 200
        except OSError:
            return False
