"""Installs the project itself, so that the clone's code is what runs.

A wheel made here holds one path file that names the clone, and the project's metadata: what an editable
install of a build tool would give, without the build tool. pip installs it like any other, so it makes the
launchers and can remove them, and `pip check` holds the locks against what `pyproject.toml` asks for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

from scripts.provision.stamp import project_table

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.place import Place

WHEEL = "Wheel-Version: 1.0\nGenerator: warden set-up\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def editable_wheel(place: Place, directory: Path) -> Path:
    """Write the wheel.

    Args:
        place: The clone.
        directory: Where to.

    Returns:
        The wheel's path.
    """
    table = project_table(place)
    name, version = table["name"], table["version"]
    info = f"{name}-{version}.dist-info"
    files = {
        f"__editable__.{name}-{version}.pth": f"{place.root}\n",
        f"{info}/METADATA": _metadata(table),
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": _entry_points(table),
        # Where it comes from, in the form that installers agree on (packaging.python.org, "direct_url.json").
        f"{info}/direct_url.json": json.dumps({"url": place.root.as_uri(), "dir_info": {"editable": True}}),
    }
    record = "".join(f"{path},{_record_hash(text)},{len(text.encode())}\n" for path, text in files.items())
    target = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(path, text)
    return target


def _metadata(table: dict[str, object]) -> str:
    dependencies = table["dependencies"]
    if not isinstance(dependencies, list):
        raise TypeError("[project] dependencies of pyproject.toml is not a list")
    head = [
        "Metadata-Version: 2.1",
        f"Name: {table['name']}",
        f"Version: {table['version']}",
        f"Summary: {table['description']}",
        f"Requires-Python: {table['requires-python']}",
    ]
    return "\n".join([*head, *(f"Requires-Dist: {dependency}" for dependency in dependencies), ""])


def _entry_points(table: dict[str, object]) -> str:
    scripts = table.get("scripts")
    lines = [f"{name} = {target}" for name, target in scripts.items()] if isinstance(scripts, dict) else []
    return "\n".join(["[console_scripts]", *lines, ""])


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
