"""What is traded on, and where a role serves HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.places import Places, create
from warden.runtime.settings import EndpointSettings, Settings, TokenSettings, VenueSettings
from warden.runtime.venue import Endpoint, announce_url, load_venue, served_url

if TYPE_CHECKING:
    from pathlib import Path

DEVNET = Settings(environment=Environment.DEVNET)
ADDRESS = "0x" + "1" * 40
MANIFEST = b"""{"chain_id":31337,"genesis":"0xab","router":"r","factory":"f","weth":"w","more":1,
"tokens":[{"symbol":"DAI","address":"a","decimals":18}],"endpoints":[{"name":"e","url":"http://x"}]}"""


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """An instance's directories, the sockets' in a short one of its own."""
    return create(tmp_path / "home", run_dir=tmp_path / "run")


def test_until_the_devnet_has_deployed_there_is_none(where: Places) -> None:
    """Starting in any order: not there yet is no error."""
    assert load_venue(DEVNET, where) is None


def test_the_devnets_manifest_is_the_venue(where: Places) -> None:
    """What else it holds is passed over; its endpoints take transactions."""
    where.devnet_manifest.write_bytes(MANIFEST)
    venue = load_venue(DEVNET, where)
    assert venue is not None
    assert (venue.chain_id, venue.genesis, venue.endpoints) == (31337, "0xab", (Endpoint("e", "http://x"),))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"chain_id":"x"}', b"\xff"])
def test_a_manifest_that_is_none_is_one_line(where: Places, content: bytes) -> None:
    """Torn or foreign: named, with the mend."""
    where.devnet_manifest.write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match=r"devnet\.json") as caught:
        load_venue(DEVNET, where)
    assert "\n" not in str(caught.value)


def test_elsewhere_the_settings_say_it(where: Places) -> None:
    """Live and paper; an endpoint's URL stays out of its repr (OB1)."""
    settings = Settings(
        environment=Environment.LIVE,
        endpoints=(EndpointSettings(name="e", url="https://x/secretkey", send=False),),
        venue=VenueSettings(
            router=ADDRESS,
            factory=ADDRESS,
            weth=ADDRESS,
            tokens=(TokenSettings(symbol="T", address=ADDRESS),),
        ),
    )
    venue = load_venue(settings, where)
    assert venue is not None
    assert venue.endpoints == (Endpoint("e", "https://x/secretkey", send=False),)
    assert "secretkey" not in repr(venue)
    with pytest.raises(ConfigurationInvalid, match=r"venue\.router"):
        load_venue(Settings(environment=Environment.LIVE), where)


def test_a_url_is_announced_whole_or_not_at_all(where: Places) -> None:
    """Not there before, replaced at once afterwards; no rest is left beside it."""
    assert served_url(where, Role.GATEWAY) is None
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:22"):
        announce_url(where, Role.GATEWAY, url)
        assert served_url(where, Role.GATEWAY) == url
    assert [path.name for path in where.role(Role.GATEWAY).iterdir()] == ["url"]
    where.url_file(Role.GATEWAY).write_text("")
    assert served_url(where, Role.GATEWAY) is None
