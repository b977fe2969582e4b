"""What ends a run from outside: in a gateway no hook can catch it."""


class Stopped(BaseException):
    """The gateway stops the run, or cannot use what it decided. No `except Exception` in a hook keeps it."""

    def __init__(self, kind: str, says: str) -> None:
        super().__init__(says)
        self.kind = kind
        """The failure's kind, as the gateway's log has it: `malformed` or `quota`."""
        self.says = says


def malformed(says: str) -> Stopped:
    """The decision is unusable."""
    return Stopped("malformed", says)


def over(quota: str) -> Stopped:
    """The run went over one of its quotas."""
    return Stopped("quota", f"went over its quota of {quota}")
