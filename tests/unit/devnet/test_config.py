"""What a devnet's configuration refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warden.devnet.config import DevnetConfig
from warden.domain.errors import EXIT_USAGE, ConfigurationInvalid


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"block_time_s": -1}, "block time -1"),
        ({"block_time_s": 0.05}, "block time 0.05"),
        ({"seed": -1}, "seed -1"),
        ({"chain_id": 0}, "chain id 0"),
        ({"node_port": 70_000}, "port 70000"),
        ({"endpoint_ports": (0, -1, 0)}, "port -1"),
        ({"anvil": Path("/nowhere/anvil")}, "scripts/demo"),
        ({"node_modules": Path("/nowhere")}, "scripts/demo"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    """Each wrong setting is one clear line with exit code 2 (bad input)."""
    with pytest.raises(ConfigurationInvalid, match=named) as caught:
        DevnetConfig(directory=tmp_path, **wrong)
    assert caught.value.exit_code == EXIT_USAGE
    assert "\n" not in str(caught.value)
