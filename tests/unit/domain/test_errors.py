"""Errors name who must act, and carry the exit code that scripts rely on."""

from __future__ import annotations

import pytest

from warden.domain import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.WardenError, 1),
        (errors.ConfigurationInvalid, 2),
        (errors.NotRunning, 3),
        (errors.RefusedForSafety, 4),
        (errors.OperatorMustRecover, 4),
        (errors.EndpointRefused, 1),
        (errors.EndpointFailed, 1),
        (errors.JournalBroken, 1),
        (errors.InvariantBroken, 1),
    ],
)
def test_exit_codes_are_stable(error: type[errors.WardenError], code: int) -> None:
    """0 done, 1 failed, 2 usage or configuration, 3 not running, 4 refused for safety (OP1)."""
    assert error.exit_code == code
    assert issubclass(error, errors.WardenError)
