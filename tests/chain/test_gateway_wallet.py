"""The wallet as two endpoints agree on it: a real gateway before real endpoints, one or two of which lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chain.devnet import ETHER, call
from tests.chain.gateway import GatewayProcess
from tests.faults import fault
from tests.instance import wait_until
from warden.devnet.faults import Fault, FaultKind
from warden.domain.amm import Hop
from warden.domain.roles import Role
from warden.executor.sends.keystore import create_keystore
from warden.wire.addresses import CAPITAL
from warden.wire.capital import (
    TokensWanted,
    WalletDisputed,
    WalletRead,
    WalletReport,
    WalletUnknown,
)
from warden.wire.codec import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.chain.devnet import DevnetProcess

HELD_WEI = 3 * ETHER
WRAPPED_WEI = 2 * ETHER
TENFOLD = Fault(FaultKind.LYING, lie_percent=1_000)
NOTHING = Fault(FaultKind.LYING, lie_percent=0)


class Listening:
    """A gateway, and whom it tells of the wallet: this test, on the watchdog's channel."""

    def __init__(self, devnet: DevnetProcess) -> None:
        self.gateway = GatewayProcess()
        instance, self.devnet = self.gateway.instance, devnet
        keys = instance.places.keys
        self.wallet = create_keystore(keys / "wallet.json", keys / "wallet.password")
        devnet.fund(self.wallet, eth_wei=HELD_WEI, weth_wei=WRAPPED_WEI)
        self.bus = instance.bus(Role.WATCHDOG)
        self.server = self.bus.serve(CAPITAL)
        self.wanted: tuple[str, ...] = ()
        self.reports: list[WalletReport] = []
        self.gateway.introduce(devnet)

    def close(self) -> None:
        """End it all."""
        self.bus.close()
        self.gateway.__exit__()

    def listen(self) -> None:
        """Take the reports that have come, and answer each as the watchdog does."""
        while (incoming := self.server.receive()) is not None:
            self.reports.append(decode(incoming.data, WalletReport))
            self.server.send(incoming.identity, encode(TokensWanted(self.wanted)))

    def wait(self, holds: Callable[[WalletReport], bool], what: str) -> WalletReport:
        """Wait for a report that comes from now on."""
        self.listen()
        self.reports.clear()
        found: list[WalletReport] = []

        def came() -> bool:
            self.listen()
            found.extend(each for each in self.reports if holds(each))
            return bool(found)

        wait_until(came, what)
        return found[0]

    def agreed(self) -> WalletRead:
        """Wait for the next report that endpoints agree on."""
        report = self.wait(lambda each: isinstance(each, WalletRead), "an agreed read")
        assert isinstance(report, WalletRead)
        return report

    def head(self) -> Any:  # noqa: ANN401 - any JSON
        """Ask for balance and nonce as the executor does."""
        asked = [
            ["eth_getBalance", [self.wallet, "latest"]],
            ["eth_getTransactionCount", [self.wallet, "latest"]],
        ]
        return self.gateway.ask("warden_agreed", asked)


@pytest.fixture
def listening(devnet: DevnetProcess) -> Iterator[Listening]:
    """A gateway that reports on a funded wallet."""
    made = Listening(devnet)
    yield made
    made.close()


def truth(report: WalletReport) -> bool:
    """Tell whether a report says what the wallet holds."""
    return isinstance(report, WalletRead) and (report.native_wei, report.wrapped_wei) == (
        HELD_WEI,
        WRAPPED_WEI,
    )


def test_two_endpoints_agree_on_the_wallet_at_one_block_hash(listening: Listening) -> None:
    """ES2: balances and nonce at a block's hash, by two endpoints at the least, block after block."""
    first = listening.agreed()
    assert truth(first)
    assert (first.wallet, first.nonce, first.tokens) == (listening.wallet.lower(), 0, ())
    assert len(first.endpoints) >= 2
    assert first.outvoted == ()
    later = listening.wait(
        lambda each: isinstance(each, WalletRead) and each.block > first.block, "a later block"
    )
    assert truth(later)
    found = listening.head()["result"]
    assert [int(each["result"], 16) for each in found["results"]] == [HELD_WEI, 0]


@fault("endpoint-lying")
@pytest.mark.parametrize(("lie", "place"), [(TENFOLD, 0), (NOTHING, 1)], ids=["tenfold", "nothing"])
def test_one_lying_endpoint_of_three_is_named_and_feeds_nobody(
    listening: Listening, devnet: DevnetProcess, lie: Fault, place: int
) -> None:
    """ES2: its figures reach neither the watchdog nor the executor; two that agree outvote it, by name."""
    listening.agreed()
    liar = devnet.names[place]
    devnet.set_fault(liar, lie)

    def named() -> bool:
        answer = listening.head()
        assert "error" not in answer, answer
        assert [int(each["result"], 16) for each in answer["result"]["results"]] == [HELD_WEI, 0]
        listening.listen()
        return listening.gateway.told("gateway.endpoint.lying")

    wait_until(named, "liar's name")
    assert all(truth(each) for each in listening.reports), listening.reports
    event = next(each for each in listening.gateway.events if each.kind == "gateway.endpoint.lying")
    assert event.data["endpoint"] == liar
    for word in (liar, str(HELD_WEI), str(HELD_WEI * lie.lie_percent // 100)):
        assert word in event.message
    assert "http" not in event.message
    assert listening.gateway.read() != liar
    if lie is TENFOLD:
        devnet.set_fault(liar, FaultKind.HEALTHY)
        # Once it has agreed with the others three times.
        listening.gateway.wait_states("ok", "ok", "ok")


@fault("endpoint-lying")
def test_two_that_differ_are_disputed_until_they_agree_again(
    listening: Listening, devnet: DevnetProcess
) -> None:
    """ES2: with no third to ask, nobody is believed: both are named, with figures, and feed nobody."""
    listening.agreed()
    devnet.set_fault(devnet.names[2], FaultKind.DEAD)
    devnet.set_fault(devnet.names[0], TENFOLD)
    report = listening.wait(lambda each: isinstance(each, WalletDisputed), "a dispute")
    assert isinstance(report, WalletDisputed)
    for word in (*devnet.names[:2], str(HELD_WEI), str(10 * HELD_WEI)):
        assert word in report.text
    answer = listening.head()
    assert answer["error"]["code"] == -32010
    assert "endpoints differ" in answer["error"]["message"]
    devnet.reset()
    assert truth(listening.agreed())


def test_one_source_is_said_and_is_not_enough(listening: Listening, devnet: DevnetProcess) -> None:
    """ES2: with two of three dead there is no agreement, and the report says so by name."""
    listening.agreed()
    for name in devnet.names[1:]:
        devnet.set_fault(name, FaultKind.DEAD)
    report = listening.wait(
        lambda each: isinstance(each, WalletUnknown) and each.one_source, "a lack of sources"
    )
    assert isinstance(report, WalletUnknown)
    assert devnet.names[1] in report.text
    assert "http" not in report.text


@pytest.mark.parametrize("kind", [FaultKind.DEAD, FaultKind.HUNG, FaultKind.STALE, FaultKind.GARBAGE])
def test_one_endpoint_that_fails_stops_no_agreement(
    listening: Listening, devnet: DevnetProcess, kind: FaultKind
) -> None:
    """ES2, RP2: the third is asked in its place, and what was agreed on never goes back to an older block."""
    first = listening.agreed()
    devnet.set_fault(devnet.names[0], kind)
    blocks = [first.block]
    for _ in range(3):
        report = listening.agreed()
        assert truth(report)
        blocks.append(report.block)
    assert blocks == sorted(blocks)


def test_a_token_counts_what_its_pool_would_pay(listening: Listening, devnet: DevnetProcess) -> None:
    """ES2: a position is worth what can be had for it at that block; what nobody buys is worth nothing."""
    found = devnet.manifest
    pair = next(each for each in found.pairs if found.weth in {each.token0, each.token1})
    token = pair.token1 if pair.token0 == found.weth else pair.token0
    giver, amount = found.noise_accounts[0], 10**6
    call(found.node_url, "anvil_impersonateAccount", giver)
    data = "0xa9059cbb" + listening.wallet[2:].lower().rjust(64, "0") + f"{amount:064x}"
    call(found.node_url, "eth_sendTransaction", {"from": giver, "to": token, "data": data})
    listening.wanted = (token, "0x" + "11" * 20, "rubbish")
    report = listening.wait(
        lambda each: isinstance(each, WalletRead) and len(each.tokens) == 2 and each.tokens[0].balance > 0,
        "tokens that are valued",
    )
    assert isinstance(report, WalletRead)
    reserves = call(found.node_url, "eth_call", {"to": pair.address, "data": "0x0902f1ac"}, "latest")
    first, second = int(reserves[2:66], 16), int(reserves[66:130], 16)
    hop = Hop(second, first) if pair.token0 == found.weth else Hop(first, second)
    assert [(each.balance, each.value_wei) for each in report.tokens] == [
        (amount, hop.amount_out(amount)),
        (0, 0),
    ]
    assert report.equity_wei == HELD_WEI + WRAPPED_WEI + hop.amount_out(amount)


def test_only_what_can_be_compared_is_agreed_on(listening: Listening) -> None:
    """RP5: other methods, too many calls and other forms are refused in one line."""
    for params in ([], [[["eth_sendRawTransaction", ["0x"]]]], ["x"], [[["eth_getBalance", []]]]):
        answer = listening.gateway.ask("warden_agreed", *params)
        assert answer["error"]["code"] == -32602, answer
