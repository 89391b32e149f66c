"""Tokens that misbehave, offered to a whole system: each is refused by its rule and never signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.chain.devnet import Net
from tests.chain.tokens import Issuer, Listed
from tests.instance import DEVNET_TOML, REPOSITORY, wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.system import System
from warden.devnet.manifest import read_manifest
from warden.domain.intents import TradeState
from warden.domain.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES: Final = {
    "Honeypot": "simulation.honeypot",
    "SellTaxed": "simulation.token-tax",
    "Taxed": "simulation.brings-too-little",
    "Melting": "simulation.honeypot",
    # Half of what its events tell arrives: less than what was asked for, so that the router itself refuses.
    "Forger": "simulation.brings-too-little",
    "Backdoor": "simulation.allowance",
    "FalseApproval": "simulation.honeypot",
}
BITE_WEI: Final = 2 * 10**16
# A pool of 50 to 100,000 pays 39.86 for it.
LEAST: Final = 39_500 * 10**15
TOML: Final = (
    DEVNET_TOML
    + f"""
[chain]
block_time_s = 0.5
[strategy]
use = "buyer:Buyer"
path = "{REPOSITORY / "tests" / "strategies"}"
[strategy.parameters]
listing = "%s"
amount_wei = "{BITE_WEI}"
least = "{LEAST}"
"""
)


class Bazaar(System):
    """A system whose strategy wants one token of each kind, and one that is honest."""

    def __init__(self, listing: Path) -> None:
        super().__init__(TOML % listing)
        self.listing = listing
        self.listed: dict[str, Listed] = {}

    def open(self) -> Bazaar:
        """Start everything, make the tokens, and let the strategy know of them."""
        self.start_all()
        wait_until(self.places.devnet_manifest.is_file, "a devnet", 90)
        manifest = read_manifest(self.places.devnet_manifest.parent)
        assert manifest is not None
        issuer = Issuer(Net(manifest), pools=len(RULES) + 1)
        self.listed = issuer.list_tokens("Plain", *RULES)
        wanted = json.dumps([each.token for each in self.listed.values()])
        part = self.listing.with_suffix(".part")
        part.write_text(wanted, encoding="utf-8")
        part.rename(self.listing)
        return self

    def rules(self) -> dict[str, set[str]]:
        """Return which rules refused each kind so far, as the strategy heard it."""
        said = self.listing.with_suffix(".decisions")
        lines = said.read_text(encoding="utf-8").splitlines() if said.is_file() else []
        heard = [json.loads(line) for line in lines]
        return {
            kind: {rule for token, rule in heard if token == each.token} for kind, each in self.listed.items()
        }


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bazaar]:
    """A system that is offered all of them."""
    with Bazaar(tmp_path_factory.mktemp("bazaar") / "listing.json") as made:
        yield made.open()


def test_each_bad_token_is_refused_by_its_rule_and_nothing_is_signed(bazaar: Bazaar) -> None:
    """EX7, EX11: seven ways to cheat and one honest token: that one alone is bought."""
    try:
        bazaar.wait(
            lambda each: all(rule in each.rules()[kind] for kind, rule in RULES.items()), "refusals", 120
        )
    except AssertionError as error:
        raise AssertionError(f"heard only {bazaar.rules()}") from error
    honest = bazaar.listed["Plain"].token.lower()
    truth = ChainTruth(bazaar)

    def bought() -> bool:
        mined = {key for key, row in truth.outcomes().items() if row.state is not TradeState.REVERTED}
        return any(
            tx_hash in mined and row.path[-1:] and row.path[-1].lower() == honest
            for tx_hash, row in truth.signed().items()
        )

    wait_until(bought, "the honest token bought", 90)
    bad = {each.token.lower() for kind, each in bazaar.listed.items() if kind in RULES}
    bazaar.end(Role.TRADER)
    signed = truth.signed()
    named = [token for token in bad for row in signed.values() if token[2:] in row.raw.lower()]
    assert named == []
    ours = {each.tx_hash for each in bazaar.received() if str(each.sender).lower() == truth.wallet.lower()}
    assert ours <= set(signed)
