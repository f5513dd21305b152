"""What can come back from Discord instead of the right answer."""

from collections.abc import Iterator

import aiohttp

from tests.simulation.wire import Answer

CODES = {
    0: 400,  # "General error"
    10003: 404,  # unknown channel
    10004: 404,  # unknown server
    10007: 404,  # unknown member
    10008: 404,  # unknown message
    10011: 404,  # unknown role
    10013: 404,  # unknown user
    10014: 404,  # unknown emoji
    20016: 429,  # slow mode
    20022: 429,  # too many edits of announcements
    20026: 403,  # flagged for spam
    20028: 429,  # too many writes in this channel
    20029: 429,  # too many writes in this server
    30010: 400,  # too many reactions on this message
    30046: 429,  # too many edits of an old message
    40001: 401,  # unauthorized
    40002: 403,  # the bot's account must be verified
    40003: 400,  # opening direct messages too fast
    40004: 400,  # sending is switched off for a while
    40006: 400,  # this feature is switched off for a while
    40007: 403,  # banned from the server
    50001: 403,  # missing access
    50005: 403,  # a message of somebody else
    50006: 400,  # an empty message
    50007: 403,  # takes no direct messages
    50008: 400,  # not a text channel
    50009: 403,  # the channel's verification level
    50013: 403,  # missing permissions
    50024: 400,  # not in this kind of channel
    50028: 400,  # a role that cannot be given
    50033: 400,  # invalid recipients
    50035: 400,  # invalid form body
    50278: 400,  # no mutual server that allows direct messages
    60003: 403,  # two-factor authentication is required
    90001: 403,  # reaction blocked
    110001: 400,  # the application is not available yet
    130000: 503,  # overloaded
    160002: 403,  # no reply without reading the history
    200000: 400,  # stopped by automatic moderation
    240000: 400,  # stopped by the filter of links
    999999: 400,  # one that Discord has not invented yet
}
"""Error codes of Discord's documentation and the status each usually comes with.

Its API description names no codes for any endpoint, only "4XX" and 429; so every one of these is
tried on each, also where it would make no sense.
"""

LATER = {
    *(0, 20016, 20022, 20026, 20028, 20029, 30046, 40001, 40002, 40003, 40004, 40006),
    *(110001, 130000),
}
"""Codes that say nothing about a person or a setting: it is tried again later."""

CLOSED = {50007, 50278}
GONE = {10007, 10013, 40007}
NOT_OURS = {10008, 50005}
"""On an edit: nothing is there any more, or what another account has posted."""

KNOWN = {*CLOSED, *GONE, 10003, 10004, 10008, 10011, 50001, 50013, 60003}
"""Codes that mean the same with every status."""

STATUSES = (400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 520, 524)

_PAGE = "<html><body>error code: 1015</body></html>"
_JSON = {"content-type": "application/json"}

BROKEN = {
    "reset": Answer(error=lambda: ConnectionResetError(104, "reset")),
    "reset, done": Answer(error=lambda: ConnectionResetError(104, "reset"), sent=True),
    "reset on Windows": Answer(error=lambda: OSError(10054, "reset")),
    "no answer": Answer(error=aiohttp.ServerDisconnectedError),
    "no answer, done": Answer(error=aiohttp.ServerDisconnectedError, sent=True),
    "half an answer, done": Answer(error=aiohttp.ClientPayloadError, sent=True),
    "time is up": Answer(error=TimeoutError),
    "time is up, done": Answer(error=TimeoutError, sent=True),
    "malformed, done": Answer(status=200, text='{"id": "12', headers=_JSON, sent=True),
    "malformed": Answer(status=200, text='{"id": "12', headers=_JSON),
    "empty, done": Answer(status=200, text="", headers=_JSON, sent=True),
    "nothing, done": Answer(status=200, text="", sent=True),
    "not an object, done": Answer(status=200, text="[]", headers=_JSON, sent=True),
    "429 without what to wait for": Answer(
        status=429, text="{}", headers={**_JSON, "Via": "1.1 google"}
    ),
}
"""The connection breaks, or the answer makes no sense; "done" after Discord did it."""


TYPICAL = (
    *("403 page", "429", "503", "524", "401 40001", "404 10003", "404 10004", "404 10007"),
    *("404 10008", "404 10011", "400 40003", "403 50001", "403 50005", "403 50007", "403 50013"),
    *("403 90001", "400 999999", "reset", "no answer, done", "malformed, done"),
)
"""What is tried on every kind of request also in the short form."""


def is_final(answer: Answer) -> bool:
    """Whether Discord has said no, rather than "not now"."""
    if answer.text is not None or answer.status == 0 or answer.code in LATER:
        return False
    return answer.code in KNOWN or answer.status in (400, 403, 404)


def named(*, every: bool) -> Iterator[tuple[str, Answer]]:
    """Wrong answers under a name; `every` crosses all codes with all statuses."""
    for status in STATUSES:
        yield f"{status}", Answer(status=status)
        yield f"{status} page", Answer(status=status, text=_PAGE)
    for code, usual in CODES.items():
        for status in STATUSES if every else (usual,):
            yield f"{status} {code}", Answer(status=status, code=code)
    yield from BROKEN.items()
