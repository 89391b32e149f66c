"""Simulation before signing, on a real chain with real pools: good trades pass, bad tokens are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.chain.devnet import ETHER, GWEI, call
from tests.chain.gateway import GatewayProcess
from tests.chain.tokens import CODE, Issuer, Listed
from tests.chain.uniswap import balance, encoded
from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.scene import TERMS, intent
from warden.devnet.faults import FaultKind
from warden.domain.money import Wei
from warden.executor.books.ledger import Ledger
from warden.executor.intents import judging
from warden.executor.protocol.commands import Sign, Simulate, Tell
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.reads import trial
from warden.executor.reads.pools import Pools
from warden.executor.sends.allowances import Allowances
from warden.executor.sends.drafts import Moment
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth_account.signers.local import LocalAccount

    from tests.chain.devnet import DevnetProcess
    from warden.domain.intents import Intent
    from warden.executor.protocol.commands import Command
    from warden.executor.protocol.terms import Terms

ODD = tuple(kind for kind in CODE if kind != "GreedyRouter")
AMOUNT = ETHER // 10


class Bench:
    """A wallet on the devnet, its terms, and a reader's hands without the thread, behind a real gateway."""

    def __init__(self, devnet: DevnetProcess) -> None:
        manifest = devnet.manifest
        self.devnet = devnet
        self.issuer = Issuer(devnet, pools=len(ODD))
        self.wallet: LocalAccount = devnet.account(eth_wei=10 * ETHER, weth_wei=10 * ETHER)
        self.gateway = GatewayProcess()
        self.gateway.introduce(devnet)
        self.rpc = JsonRpc(self.gateway.url, timeout_s=20)
        self.pools = Pools(manifest.factory, manifest.weth)
        self.nonce = 0
        self.approve(manifest.weth, manifest.router, 5 * ETHER)
        self.listed: dict[str, Listed] = self.issuer.list_tokens(*ODD)
        self.terms: Terms = msgspec.structs.replace(
            TERMS,
            wallet=self.wallet.address,
            router=manifest.router,
            weth=manifest.weth,
            factory=manifest.factory,
            decimals={each.token.lower(): 18 for each in self.listed.values()},
        )

    def approve(self, token: str, spender: str, amount: int) -> None:
        """Let a spender take so much of the wallet's token."""
        data = encoded("approve(address,uint256)", spender, amount)
        self.issuer.send(token, data, account=self.wallet, nonce=self.nonce)
        self.nonce += 1
        self.issuer.settle()

    def moment(self) -> Moment:
        """Return the chain's head as drafts are made at it."""
        block = call(self.devnet.manifest.node_url, "eth_getBlockByNumber", "latest", False)
        head = msgspec.structs.replace(
            HEAD,
            timestamp_s=int(block["timestamp"], 16),
            base_fee_wei=int(block["baseFeePerGas"], 16),
            tip_wei=GWEI,
        )
        return Moment(head, self.terms, NOW)

    def order(self, *path: str, least: int = 1, amount: int = AMOUNT) -> Intent:
        """Return an intent along a path that may be mined for the next ten minutes."""
        until_s = self.moment().head.timestamp_s + 600
        return intent(1, path=path, amount_in=Wei(amount), min_amount_out=Wei(least), not_after_s=until_s)

    def tried(self, order: Simulate) -> Simulated | SimulationFailed:
        """Simulate as the reader's thread does."""
        return trial.simulate(self.rpc, order, self.wallet.address, self.pools)

    def refused(self, asked: Intent) -> str:
        """Return the rule that refuses an intent, empty where it may be signed."""
        found = self.tried(judging.simulation_of(asked, self.moment()))
        if isinstance(found, SimulationFailed):
            return found.rule or ("simulation.reverts" if found.refused else "simulation.unavailable")
        refusal = judging.refusal(asked, found, self.terms)
        return "" if refusal is None else refusal.rule

    def approval(self, token: str, amount: int, standing: int = 0) -> list[Command]:
        """Ask for an allowance, and carry its simulations to the draft or the refusal."""
        at = self.moment()
        head = msgspec.structs.replace(at.head, allowances={token.lower(): standing})
        at = msgspec.structs.replace(at, head=head)
        allowances = Allowances(self.terms, Ledger(self.terms.risk), {})
        commands = allowances.ask(token, amount, "trace", at)
        while commands and isinstance(commands[0], Simulate):
            found = self.tried(commands[0])
            if isinstance(found, Simulated):
                commands = allowances.simulated(found, at)
            else:
                commands = allowances.failed(found, at)
        return commands


@pytest.fixture(scope="module")
def bench(shared_devnet: DevnetProcess) -> Iterator[Bench]:
    """A wallet with capital, and a pool for each kind of token."""
    shared_devnet.reset()
    made = Bench(shared_devnet)
    with made.gateway:
        yield made
        made.rpc.close()


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("Plain", ""),
        ("Silent", ""),
        ("Taxed", "simulation.token-tax"),
        ("SellTaxed", "simulation.token-tax"),
        ("Honeypot", "simulation.honeypot"),
        ("FalseApproval", "simulation.honeypot"),
        ("Melting", "simulation.honeypot"),
        ("Forger", "simulation.token-lies"),
        ("Backdoor", "simulation.allowance"),
        ("OtherDecimals", "simulation.metadata"),
        ("Nameless", "simulation.metadata"),
    ],
)
def test_each_token_is_bought_only_if_it_can_be_sold(bench: Bench, kind: str, rule: str) -> None:
    """EX7, EX11: buying is judged by its asset changes and by selling it all again, both simulated."""
    assert bench.refused(bench.order(bench.terms.weth, bench.listed[kind].token)) == rule


def test_an_accepted_tax_is_sold_by_what_arrives(bench: Bench) -> None:
    """EX7: an operator who accepts five percent may hold such a token, and it can be sold."""
    asked = bench.order(bench.terms.weth, bench.listed["Taxed"].token)
    found = bench.tried(judging.simulation_of(asked, bench.moment()))
    assert isinstance(found, Simulated)
    assert found.trip is not None
    assert found.trip.came < found.trip.paid
    accepting = msgspec.structs.replace(bench.terms, max_token_tax_bps=500)
    assert judging.refusal(asked, found, accepting) is None


def test_the_least_amount_is_of_what_arrives(bench: Bench) -> None:
    """EX7, EX11: the router itself refuses a purchase whose tax takes too much."""
    weth, token = bench.terms.weth, bench.listed["Taxed"].token
    found = bench.tried(judging.simulation_of(bench.order(weth, token), bench.moment()))
    assert isinstance(found, Simulated)
    assert found.trip is not None
    came = found.trip.came
    assert bench.refused(bench.order(weth, token, least=came)) == "simulation.token-tax"
    assert bench.refused(bench.order(weth, token, least=came + 1)) == "simulation.brings-too-little"


def test_a_strategy_may_sell_what_is_taxed(bench: Bench) -> None:
    """EX7: what was accepted with its tax can be sold by the strategy, too, not only by an exit."""
    token, amount = bench.listed["Taxed"].token, 100 * ETHER
    bench.issuer.send(token, encoded("transfer(address,uint256)", bench.wallet.address, amount))
    bench.approve(token, bench.terms.router, amount)
    sold = {"amount": amount, "least": 1}
    assert not bench.refused(bench.order(token, bench.terms.weth, **sold))
    assert bench.refused(bench.order(token, bench.terms.weth, **sold | {"least": ETHER}))


def test_a_cycle_through_real_pools_passes_with_exact_changes(bench: Bench) -> None:
    """EX11: a cycle gives and takes the wrapped native token only, to the wei of what it then does."""
    tokens = [each.address for each in bench.devnet.manifest.tokens[:2]]
    asked = bench.order(bench.terms.weth, *tokens, bench.terms.weth)
    found = bench.tried(judging.simulation_of(asked, bench.moment()))
    assert isinstance(found, Simulated)
    assert found.changes is not None
    assert judging.refusal(asked, found, bench.terms) is None
    before = balance(bench.devnet.manifest.node_url, bench.terms.weth, bench.wallet.address)
    order = judging.simulation_of(asked, bench.moment())
    bench.issuer.send(bench.terms.router, "0x" + order.data.hex(), account=bench.wallet, nonce=bench.nonce)
    bench.nonce += 1
    bench.issuer.settle()
    after = balance(bench.devnet.manifest.node_url, bench.terms.weth, bench.wallet.address)
    (change,) = (each for each in found.changes.assets if each.token == bench.terms.weth.lower())
    assert (change.went, change.counted) == (AMOUNT, after - before)


def test_a_router_that_takes_more_is_refused(bench: Bench) -> None:
    """EX11: the calldata says one amount and the contract takes another: what it does counts."""
    (greedy,) = bench.issuer.deploy("GreedyRouter", argument=bench.terms.router)
    bench.approve(bench.terms.weth, greedy, 5 * ETHER)
    tokens = [each.address for each in bench.devnet.manifest.tokens[:2]]
    asked = bench.order(bench.terms.weth, *tokens, bench.terms.weth, least=1)
    honest = bench.terms
    bench.terms = msgspec.structs.replace(honest, router=greedy)
    try:
        assert bench.refused(asked) == "simulation.takes-too-much"
    finally:
        bench.terms = honest


def test_what_would_revert_is_refused(bench: Bench) -> None:
    """EX11: a cycle that cannot earn its minimum now is not signed."""
    tokens = [each.address for each in bench.devnet.manifest.tokens[:2]]
    asked = bench.order(bench.terms.weth, *tokens, bench.terms.weth, least=ETHER)
    assert bench.refused(asked) == "simulation.reverts"


def test_a_dead_endpoint_lets_nothing_pass(bench: Bench) -> None:
    """EX11: no answer is no leave: the intent is refused, and it is no revert."""
    closed = JsonRpc("http://127.0.0.1:9", timeout_s=1)
    order = judging.simulation_of(bench.order(bench.terms.weth, bench.listed["Plain"].token), bench.moment())
    found = trial.simulate(closed, order, bench.wallet.address, bench.pools)
    assert isinstance(found, SimulationFailed)
    assert (found.refused, found.rule) == (False, "")


@pytest.mark.parametrize("kind", ["Plain", "Silent"])
def test_an_approval_changes_its_one_allowance(bench: Bench, kind: str) -> None:
    """EX7: simulated, judged, and signed for exactly its amount; a token that answers nothing, too."""
    (sign,) = bench.approval(bench.listed[kind].token, 12_345)
    assert isinstance(sign, Sign)
    assert (sign.draft.allowance, sign.draft.spender) == (12_345, bench.terms.router)
    assert sign.draft.to == bench.listed[kind].token


def test_an_approval_that_does_nothing_is_not_signed(bench: Bench) -> None:
    """EX7: a token whose approve answers false and sets nothing is told with its rule."""
    (told,) = bench.approval(bench.listed["FalseApproval"].token, 5)
    assert isinstance(told, Tell)
    assert (told.kind, told.data["rule"]) == ("allowance.refused", "simulation.allowance")


def test_a_token_that_wants_zero_first_gets_it(bench: Bench) -> None:
    """EX7: an allowance that the token will not change is set to zero, and then to what is wanted."""
    token = bench.listed["Silent"].token
    bench.approve(token, bench.terms.router, 7)
    (zero,) = bench.approval(token, 12_345, standing=7)
    assert isinstance(zero, Sign)
    assert zero.draft.allowance == 0
    bench.approve(token, bench.terms.router, 0)
    (sign,) = bench.approval(token, 12_345)
    assert isinstance(sign, Sign)
    assert sign.draft.allowance == 12_345


def test_two_endpoints_say_the_same_of_an_honest_trade_and_one_alone_is_not_enough(bench: Bench) -> None:
    """EX11: cycle and purchase pass at one block by two words; with two of three endpoints dead, neither."""
    tokens = [each.address for each in bench.devnet.manifest.tokens[:2]]
    weth = bench.terms.weth
    orders = [bench.order(weth, *tokens, weth), bench.order(weth, bench.listed["Plain"].token)]
    asked = [
        msgspec.structs.replace(judging.simulation_of(each, bench.moment()), witnessed=True)
        for each in orders
    ]
    told = [bench.tried(each) for each in asked]
    assert [type(each) for each in told] == [Simulated, Simulated]
    for name in bench.devnet.names[1:]:
        bench.devnet.set_fault(name, FaultKind.ERRORS)
    try:
        alone = [bench.tried(each) for each in asked]
    finally:
        bench.devnet.reset()
    rules = [each.rule for each in alone if isinstance(each, SimulationFailed)]
    assert rules == ["simulation.one-witness"] * 2
