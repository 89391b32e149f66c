"""A devnet that the tests of a run share, healthy and quiet at the start of each test."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import DevnetProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_devnet() -> Iterator[DevnetProcess]:
    """One devnet process for the session: four blocks a second, noise traders paused."""
    base = Path(tempfile.mkdtemp(prefix="warden-devnet-"))
    devnet = None
    try:
        devnet = DevnetProcess(base / "net", "--block-time", "0.25", "--no-noise", "--history-blocks", "500")
        yield devnet
    finally:
        if devnet is not None:
            devnet.stop()
        shutil.rmtree(base)


@pytest.fixture
def devnet(shared_devnet: DevnetProcess) -> Iterator[DevnetProcess]:
    """The shared devnet; a test's faults and noise end with it."""
    shared_devnet.reset()
    yield shared_devnet
    shared_devnet.reset()
