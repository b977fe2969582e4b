"""JSON texts and plain texts that may cross the border."""

import json
from typing import Any


def to_json(value: Any) -> str:
    """The JSON text of a value.

    >>> to_json({"a": [1, None, "é"]})
    '{"a":[1,null,"é"]}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return utf8(text, "a JSON value")


def from_json(text: str) -> Any:
    """The value of a JSON text."""
    return json.loads(text)


def utf8(text: str, what: str) -> str:
    """The text itself, where it is one and can be written as UTF-8: anything else would end the run without a word.

    >>> utf8("\\ud800", "message")
    Traceback (most recent call last):
    ValueError: message: a lone surrogate at 0 cannot be written as UTF-8
    """
    if not isinstance(text, str):
        raise TypeError(f"{what}: a str is wanted, not {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # Without the text itself: it may be the payload.
            raise ValueError(f"{what}: a lone surrogate at {error.start} cannot be written as UTF-8") from None
    return text
