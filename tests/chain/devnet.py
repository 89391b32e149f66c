"""A devnet as a process of its own, for tests; talks to it as any HTTP client would."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from eth_account import Account

from tests.instance import REPOSITORY, wait_until
from warden.devnet.faults import Fault, FaultKind
from warden.devnet.manifest import Manifest, read_manifest
from warden.devnet.received import Received, read_received

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

# Generous: the machine may be busy with other tests.
READY_TIMEOUT_S = 90.0
REQUEST_TIMEOUT_S = 30.0
GWEI = 10**9
ETHER = 10**18


class HttpAnswer:
    """Status, headers and body of one HTTP answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:  # noqa: ANN401 # any JSON
        """Decode the body."""
        return json.loads(self.body)


def post(
    url: str, value: object, *, timeout_s: float = REQUEST_TIMEOUT_S, method: str = "POST"
) -> HttpAnswer:
    """Send one request on a connection of its own; raises what http.client raises."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    try:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        connection.request(method, parts.path or "/", body, {"Content-Type": "application/json"})
        return HttpAnswer(connection.getresponse())
    finally:
        connection.close()


def request(method: str, *params: object, id_: int = 1) -> dict[str, object]:
    """Make a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def call(url: str, method: str, *params: object, timeout_s: float = REQUEST_TIMEOUT_S) -> Any:  # noqa: ANN401 # any JSON
    """Call a JSON-RPC method and give its result; an error fails the test with its text."""
    answer = post(url, request(method, *params), timeout_s=timeout_s).json()
    assert "error" not in answer, answer["error"]
    return answer["result"]


def quantity(url: str, method: str, *params: object) -> int:
    """Call a method whose result is a hexadecimal number."""
    return int(call(url, method, *params), 16)


class Net:
    """A devnet that runs, by what its manifest says."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @property
    def names(self) -> list[str]:
        """The endpoints' names."""
        return [each.name for each in self.manifest.endpoints]

    def url(self, endpoint: str) -> str:
        """Where an endpoint is."""
        return next(each.url for each in self.manifest.endpoints if each.name == endpoint)

    def set_fault(self, endpoint: str, fault: Fault | FaultKind) -> None:
        """Have an endpoint misbehave."""
        value = fault if isinstance(fault, Fault) else Fault(fault)
        body = {name: getattr(value, name) for name in value.__struct_fields__}
        answer = post(f"{self.manifest.control_url}/faults/{endpoint}", body)
        assert answer.status == 200, answer.body

    def reset(self) -> None:
        """Make all endpoints healthy, the noise traders pause, blocks come."""
        assert post(f"{self.manifest.control_url}/faults", b"", method="DELETE").status == 200
        self.set_noise(running=False)
        self.set_mining(running=True)

    def set_noise(self, *, running: bool) -> None:
        """Let the noise traders trade, or pause them."""
        assert post(f"{self.manifest.control_url}/noise", {"running": running}).status == 200

    def set_mining(self, *, running: bool) -> None:
        """Let blocks come, or hold them: what is sent stays pending until `mine` or until they come again."""
        assert post(f"{self.manifest.control_url}/mining", {"running": running}).status == 200

    def mine(self) -> None:
        """Make one block while they are held."""
        call(self.manifest.node_url, "evm_mine")

    def fund(self, address: str, *, eth_wei: int = 0, weth_wei: int = 0) -> None:
        """Give play money, and wait until it is there."""
        body = {"address": address, "eth_wei": str(eth_wei), "weth_wei": str(weth_wei)}
        answer = post(f"{self.manifest.control_url}/fund", body)
        assert answer.status == 200, answer.body

    def received(self) -> list[Received]:
        """Read the receive log."""
        return read_received(Path(self.manifest.received_log))

    def account(self, *, eth_wei: int = ETHER, weth_wei: int = 0) -> LocalAccount:
        """Make a wallet with play money."""
        account: LocalAccount = Account.create()
        self.fund(account.address, eth_wei=eth_wei, weth_wei=weth_wei)
        return account

    def wait_mined(self, tx_hash: str) -> dict[str, Any]:
        """Wait for a receipt at the node itself, and give it."""
        found: list[dict[str, Any]] = []

        def mined() -> bool:
            receipt = call(self.manifest.node_url, "eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                found.append(receipt)
            return bool(found)

        wait_until(mined, f"receipt of {tx_hash}")
        return found[0]

    def signed(self, account: LocalAccount, **fields: int | str) -> tuple[str, str]:
        """Sign a transfer of 1 wei, or what `fields` make of it; give its hash and raw bytes in hex."""
        transaction: dict[str, Any] = {
            "chainId": self.manifest.chain_id,
            "nonce": 0,
            "to": "0x000000000000000000000000000000000000dEaD",
            "value": 1,
            "gas": 21_000,
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        } | fields
        signed = account.sign_transaction(transaction)
        return "0x" + bytes(signed.hash).hex(), "0x" + bytes(signed.raw_transaction).hex()


class DevnetProcess(Net):
    """`python -m warden.devnet --dir DIR ...`, ready when the constructor returns."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.errors = directory.with_name(f"{directory.name}.err")
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warden.devnet", "--dir", str(directory), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=REPOSITORY,
            )
        wait_until(self._is_ready_or_ended, "devnet that is ready", READY_TIMEOUT_S)
        assert self.process.poll() is None, self.errors.read_text()
        manifest = read_manifest(directory)
        assert manifest is not None
        super().__init__(manifest)

    def stop(self) -> int:
        """End it in order, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def _is_ready_or_ended(self) -> bool:
        # The manifest is put aside while a start is under way, and names the process that wrote it.
        manifest = read_manifest(self.directory)
        return self.process.poll() is not None or (
            manifest is not None and manifest.devnet_pid == self.process.pid
        )
