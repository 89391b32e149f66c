"""An environment of its own for a peer that a benchmark measures beside Warden; made on first use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scripts.provision import environment, machine, why
from scripts.provision.child import Runner, say
from scripts.provision.place import Place
from scripts.provision.refusals import MachineLacks
from scripts.provision.turn import turn
from tests.instance import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 900.0
MAKE_LIMIT_S = 120.0
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")


def interpreter(name: str, version: str) -> Path:
    """Return the Python that has `name` at `version` and what it needs, below `.setup/peers`.

    Raises:
        SetupError: it could not be made; in one line why.
    """
    place = Place(REPOSITORY)
    home = place.setup / "peers" / f"{name}-{version}"
    python, ready = home / "bin" / "python", home / "ready"
    # Both sides must run on the same Python: another build of it alone makes a quarter of difference.
    built_on = f"{sys.base_prefix} {sys.version}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with turn(home.parent / "lock", WAIT_S, say) as held:
        if ready.exists() and ready.read_text(encoding="utf-8") == built_on:
            return python
        say(f"  {name} {version}: into {home.relative_to(REPOSITORY)}, once")
        runner = Runner(_environment(place), place.logs, (held,))
        place.logs.mkdir(exist_ok=True)
        made = runner.run(
            f"peer-{name}-venv",
            [sys.executable, "-m", "venv", "--without-pip", "--clear", home],
            limit_s=MAKE_LIMIT_S,
        )
        if made.status != 0:
            raise MachineLacks(f"{sys.executable} -m venv failed ({runner.logs})")
        wanted = ["install", "--only-binary", ":all:", "--retries", "1", f"{name}=={version}"]
        done = environment.pip(place, runner, f"peer-{name}", wanted, python=python)
        if done.status != 0:
            raise why.refusal(done, environment.SOURCE, runner.logs / f"peer-{name}.log")
        ready.write_text(built_on, encoding="utf-8")
    return python


def _environment(place: Place) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PIP_CERT": str(machine.certificates(kept) or place.certificates),
        "PIP_NO_CACHE_DIR": "1",
    }
