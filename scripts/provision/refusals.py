"""Why set-up stops. Each error is one line for a person, and says who must act through its exit code."""


class SetupError(Exception):
    """Base of what set-up reports in one line.

    Attributes:
        exit_code: What the process ends with.
    """

    exit_code = 1


class MachineLacks(SetupError):
    """This machine or this clone must be changed first; trying again changes nothing."""

    exit_code = 2


class FetchFailed(SetupError):
    """Something could not be fetched; what is already here is kept, and another try goes on from it."""

    exit_code = 1


class AnotherSetupRuns(SetupError):
    """Another set-up of this clone did not end within the wait."""

    exit_code = 1
