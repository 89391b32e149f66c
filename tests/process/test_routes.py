"""A private route on real processes: what is routed to a relay reaches no other endpoint."""

from __future__ import annotations

from tests.process.system import BUSY_TOML, System
from tests.process.test_invariants import rows
from warden.domain.stops import CleanUp
from warden.operator.stopping import order_stop
from warden.wire.rows import LegRow, Purpose, SignedRow
from warden.wire.telemetry import GatewayStatus

PRIVATE_TOML = BUSY_TOML + '[execution]\nroute = "devnet-c"\n[devnet]\nrelays = ["devnet-c"]\n'


def test_a_private_trade_is_never_widened() -> None:
    """DESIGN §3: swaps reach the relay alone, reads never do; a stop's cancel goes there and publicly."""
    with System(PRIVATE_TOML) as system:
        system.start_all()
        system.wait_trading(2)
        system.hold_one()
        result = order_stop(system.home, message="test", operator="tester", policy=CleanUp.CANCEL)
        stopped_ns = system.now_ns()
        system.wait(
            lambda each: (
                {"devnet-a", "devnet-b", "devnet-c"}
                <= {line.endpoint for line in each.received_after(stopped_ns)}
            ),
            "cancel at every endpoint",
        )
        purposes = {row.tx_hash: row.purpose for row in rows(system) if isinstance(row, SignedRow)}
        reached: dict[Purpose, set[str]] = {}
        for line in system.received():
            reached.setdefault(purposes[line.tx_hash], set()).add(line.endpoint)
        assert reached[Purpose.SWAP] == {"devnet-c"}
        assert reached[Purpose.APPROVE] == {"devnet-a", "devnet-b"}
        assert reached[Purpose.CANCEL] == {"devnet-a", "devnet-b", "devnet-c"}
        assert [line.name for line in system.latest[GatewayStatus].endpoints] == ["devnet-a", "devnet-b"]
        assert result.cleanup == "cancel"

        def answered() -> bool:
            said = [row.text for row in rows(system) if isinstance(row, LegRow)]
            return any(text.endswith(("withdrawn: yes", "withdrawn: no")) for text in said)

        # The relay was asked to forget the swap, beside the cancel that takes its nonce. Where the public one
        # was there before, the swap is gone already, and it says no.
        system.wait(lambda _: answered(), "relay's word on taking the swap back")
