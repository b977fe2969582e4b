"""Names by pattern."""


def glob_matches(pattern: str, text: str) -> bool:
    """Whether `text` is as `pattern` says: `*` stands for any characters (none included, `/` included), `?` for one.
    Everything else stands for itself, capitals and small letters told apart.

    >>> glob_matches("tools/*", "tools/call"), glob_matches("read_?", "read_")
    (True, False)
    """
    at = 0
    here = 0
    # Where to go on when what follows the last `*` does not fit: that much later in the text.
    retry: tuple[int, int] | None = None
    while True:
        if at < len(pattern) and pattern[at] == "*":
            at += 1
            retry = (at, here)
        elif at < len(pattern) and here < len(text) and pattern[at] in ("?", text[here]):
            at += 1
            here += 1
        elif at == len(pattern) and here == len(text):
            return True
        elif retry is None or retry[1] == len(text):
            return False
        else:
            retry = (retry[0], retry[1] + 1)
            at, here = retry
