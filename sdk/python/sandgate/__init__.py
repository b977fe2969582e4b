"""Write Sandgate interceptors in Python: two decorators, the document and context that hooks look at, and what they may
decide.

The package answers for the way between the contract (`wit/`) and ordinary Python. It knows no gateway: what stands on
the other side is whatever host runs the component. Natively, where there is none, `sandgate.testing` stands in.

>>> from sandgate import pre_call, post_call, refuse
>>> import re
>>>
>>> EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}")
>>>
>>> @post_call("tools/call", "resources/read")
... def scrub(ctx, reply):
...     reply.map_texts(lambda text: EMAIL.sub("[email]", text))
>>>
>>> @pre_call("tools/call")
... def check(ctx, params):
...     if any("rm -rf" in text for text in params.texts()):
...         return refuse("command.destructive", "destructive command")
>>>
>>> from sandgate import testing
>>> testing.post_call({"content": [{"type": "text", "text": "jane@example.com"}]}).after
{'content': [{'type': 'text', 'text': '[email]'}]}
>>> testing.pre_call({"name": "sh", "arguments": {"command": "rm -rf /"}}).refusal.code
'command.destructive'
"""

from sandgate import http, log, state
from sandgate.context import Context
from sandgate.decision import Answer, Refusal, Replacement, answer, refuse, replace
from sandgate.document import Document
from sandgate.finding import finding
from sandgate.glob import glob_matches
from sandgate.hooks import configure, post_call, pre_call
from sandgate.settings import Issues, settings

__all__ = [
    "Answer",
    "Context",
    "Document",
    "Issues",
    "Refusal",
    "Replacement",
    "answer",
    "configure",
    "finding",
    "glob_matches",
    "http",
    "log",
    "post_call",
    "pre_call",
    "refuse",
    "replace",
    "settings",
    "state",
]
__version__ = "0.1.0"
