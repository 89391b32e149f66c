"""The gateway's check of its endpoints."""

from __future__ import annotations

import pytest

from warden.domain.health import Health
from warden.gateway.checking import endpoints
from warden.gateway.core import Core, Rules
from warden.gateway.errors import Failure, Kind
from warden.gateway.events import Probed, ProbeFailed

S = 1_000_000_000
RULES = Rules(chain_id=31337, genesis="0x01", slow_ms=500.0, lag_blocks_max=3, head_age_ms_max=5_000)


def core_of(*chains: int | None) -> Core:
    """Return a core of endpoints on these chains; None does not answer."""
    names = [f"endpoint-{number}" for number in range(len(chains))]
    core = Core(names, RULES)
    for _ in range(4):
        for name, chain in zip(names, chains, strict=True):
            if chain is None:
                core.handle(ProbeFailed(name, Failure(Kind.REFUSED, "refused")), S)
            else:
                core.handle(Probed(name, 5.0, 10, chain_id=chain, genesis="0x01"), S)
    return core


@pytest.mark.parametrize(
    ("chains", "least", "status"),
    [
        ((31337, 31337, 31337), 2, Health.HEALTHY),
        ((31337, 31337, None), 2, Health.DEGRADED),
        ((31337, 31337, 1), 2, Health.DEGRADED),
        ((31337, 1, None), 2, Health.UNHEALTHY),
        ((31337,), 1, Health.HEALTHY),
        ((1, 1, 1), 1, Health.UNHEALTHY),
        ((None, None), 1, Health.UNHEALTHY),
    ],
)
def test_enough_of_them_on_the_right_chain(
    chains: tuple[int | None, ...], least: int, status: Health
) -> None:
    """FS2: endpoints reachable on the right chain; what is wrong with one of them is told before."""
    line = endpoints(core_of(*chains), least, S)
    assert (line.name, line.status) == ("endpoints", status)
    assert f"{sum(each == 31337 for each in chains)} of {len(chains)} can be used" in line.found


def test_a_head_that_stands_still_is_none() -> None:
    """FS2: an endpoint whose head has not moved for too long cannot be used."""
    line = endpoints(core_of(31337, 31337), 2, 10 * S)
    assert (line.status, "stands still" in line.found) == (Health.UNHEALTHY, True)
