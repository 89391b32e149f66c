"""The installed system with several strategies, one of them a program: a user for each trader (I8)."""

from __future__ import annotations

import json

import pytest

from tests.instance import REPOSITORY
from tests.process.users_stage import OPERATOR
from tests.process.users_trial import GATEWAY_PORT, Trial
from warden.domain.errors import EXIT_DONE, EXIT_FAILED
from warden.domain.roles import Role
from warden.runtime.layout import user_of

pytestmark = pytest.mark.system

STRATEGIES = REPOSITORY / "tests" / "strategies"
TOML = f"""\
environment = "devnet"
[gateway]
port = {GATEWAY_PORT}
[api]
port = 0
[chain]
block_time_s = 0.5
[[strategies]]
name = "nib"
use = "nibbler:Nibbler"
path = "{STRATEGIES}"
[[strategies]]
name = "bot"
command = ["{REPOSITORY / ".venv/bin/python"}", "{STRATEGIES / "plain_bot.py"}"]
"""
SIGNED_BY = """
import json, sys
from collections import Counter
from pathlib import Path
from warden.runtime.journal import read
rows = (json.loads(row.body) for row in read(Path(sys.argv[1])) if row.kind.startswith("signed"))
print(json.dumps(Counter(row["strategy"] for row in rows if row["purpose"] == "swap")))
"""


def swaps(trial: Trial) -> dict[str, int]:
    """Return how many swaps were signed for each strategy."""
    code, said = trial.root("-c", SIGNED_BY, str(trial.where.journal(Role.EXECUTOR)))
    assert code == 0, said
    found: dict[str, int] = json.loads(said)
    return found


def test_i8_each_strategy_trades_as_a_user_of_its_own_a_bot_s_program_too() -> None:
    """I8, PL5, EX12: neither enters the other's directory; an operator stops and recovers them together."""
    with Trial() as trial:
        code, said = trial.install("--operator", OPERATOR)
        assert code in {EXIT_DONE, EXIT_FAILED}, said  # the clone's own rights are the machine's matter
        trial.write(trial.home / "warden.toml", TOML)
        code, said = trial.install("--firewall")
        assert "nft --file" in said, said
        code, said = trial.warden("root", "up", limit_s=200)
        assert code == EXIT_DONE, said
        trial.wait(lambda _: {"nib", "bot"} <= swaps(trial).keys(), "a swap of each")

        pids = {each["name"]: str(each["pid"]) for each in trial.status()["processes"]}
        users = {name: trial.root("ps", "-o", "user:32=", "-p", pid)[1].strip() for name, pid in pids.items()}
        assert users == {name: user_of(name) for name in pids}
        assert {"trader-nib", "trader-bot"} <= users.keys()
        assert len(set(users.values())) == len(users)
        own = [trial.where.state_of(name) for name in ("trader-nib", "trader-bot")]
        for name, other in zip(("trader-nib", "trader-bot"), reversed(own), strict=True):
            assert trial.as_user(user_of(name), "ls", str(other))[0] != 0

        order = ("--reason", "test", "--operator", OPERATOR)
        code, said = trial.warden(OPERATOR, "emergency-stop", *order, "--json")
        assert (code, json.loads(said)["level"]) == (EXIT_DONE, "CONFIRMED"), said
        before = swaps(trial)
        code, said = trial.warden(OPERATOR, "recover", *order, limit_s=60)
        assert code == EXIT_DONE, said
        trial.wait(
            lambda _: all(count > before[name] for name, count in swaps(trial).items()), "a swap more of each"
        )
