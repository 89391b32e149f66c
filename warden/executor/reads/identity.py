"""Which chain it is: that of the settings, that of the journal, that of the pinned block 0 (EX8, RP2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from warden.executor.protocol.events import Identified
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import ChainRow


def refuse_another(found: Identified, held: ChainRow | None, terms: Terms) -> None:
    """Refuse a chain that is another than the one to trade on.

    Raises:
        ConfigurationInvalid: it has another id or block 0 than it ought to, or than the journal's.
    """
    if found.chain_id != terms.chain_id:
        raise ConfigurationInvalid(
            f"the endpoints serve chain {found.chain_id}, but chain.id is {terms.chain_id} in warden.toml"
        )
    if held is not None and (held.chain_id, held.genesis) != (found.chain_id, found.genesis):
        raise ConfigurationInvalid(
            "executor.db belongs to another chain (its genesis differs): use another --home"
        )
    if terms.genesis and found.genesis.lower() != terms.genesis.lower():
        raise ConfigurationInvalid(
            f"the endpoints serve another chain: block 0 is {found.genesis}, not {terms.genesis} "
            "(chain.genesis, or chain.profile's)"
        )
