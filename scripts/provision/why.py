"""Turns the output of a program that failed into the one line that a person can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.provision.refusals import FetchFailed, MachineLacks, SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.provision.child import Finished

# First match wins. What a program says about the network differs little between apt, pip and npm.
CAUSES = (
    (
        r"name resolution|not resolve|resolving|ENOTFOUND|EAI_AGAIN|Name or service not known",
        "its name is not found",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_\w+_CERT|certificate",
        "its certificate is not trusted",
    ),
    (r"Connection refused|ECONNREFUSED", "the connection was refused"),
    (r"unreachable|EHOSTUNREACH|ENETUNREACH", "the network is unreachable"),
    (r"timed? ?out|ETIMEDOUT|Timeout", "no answer in time"),
    (r"reset by peer|ECONNRESET|IncompleteRead|Connection broken|Connection aborted", "the connection broke"),
    (r"ProxyError|\b407\b|Tunnel connection failed", "the proxy refused"),
    (r"Unable to connect|Failed to establish|Could not connect|Failed to fetch", "no connection"),
)
TAMPERED = r"DO NOT MATCH THE HASHES|EINTEGRITY|Hash Sum mismatch"
FULL = r"No space left on device|ENOSPC|enough free space"


def refusal(finished: Finished, source: str, log: Path) -> SetupError:
    """The error for a child that did not succeed.

    Args:
        finished: How it ended.
        source: What it fetches from, such as `the Python package index`.
        log: Where all of its output stands.
    """
    if finished.status is None:
        return FetchFailed(
            f"{source} took too long, and was given up; run this again, it goes on from here ({log})"
        )
    if re.search(FULL, finished.output):
        return MachineLacks(
            f"no space left on the disk while fetching from {source}: free some, and run this again"
        )
    if re.search(TAMPERED, finished.output, re.IGNORECASE):
        return FetchFailed(
            f"{source} gave a file whose hash is not the locked one; nothing of it was used ({log})"
        )
    for pattern, cause in CAUSES:
        if re.search(pattern, finished.output, re.IGNORECASE):
            return FetchFailed(
                f"{source} could not be reached: {cause}; check network and proxy settings and run "
                f"this again, what is fetched is kept ({log})"
            )
    lines = [line.strip() for line in finished.output.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(?i)error|e:|npm err", line)] or lines or ["no output"]
    return SetupError(f"fetching from {source} failed (status {finished.status}): {telling[0][:200]} ({log})")
