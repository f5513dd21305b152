"""A working configuration and agreement to break on purpose, and refusals taken apart."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config/pledge.example.yaml"
DEFAULT_AGREEMENT = ROOT / "config/agreements/default.en.yaml"

AGREEMENT: str = """\
purpose: To be safe.
scope:
  covered: Stories.
  not_covered: Your own story.
  exceptions: Danger.
consequences:
  - key: reminder
    text: A word.
  - key: removed
    text: The door.
duration:
  text: A year.
  days: 365
signatures:
  participant: I promise.
  facilitator: I promise too.
"""

CONFIG: str = """\
database: sqlite:///data/pledge.db
groups:
  harbour-light:
    name: Harbour Light
    guild: 100000000000000001
    agreement: agreement.yaml
    roles:
      member: 100000000000000010
      moderator: 100000000000000011
      facilitator: 100000000000000012
    channels:
      support: 100000000000000020
      moderators: 100000000000000021
      welcome: 100000000000000022
    signing:
      accept: "✅"
      decline: "❌"
      remind_after_days: [1, 3, 7]
      grace_days: 14
      dm_per_minute: 20
    enforcement: revoke
    cases:
      first_look_days: 3
      feedback_days: 30
      escalation: null
    retention:
      case_days: 365
      unsigned_days: 90
      proof_days: 1095
      backup_days: 30
"""


def swapped(text: str, line: int, new: str | None) -> str:
    """`text` with the line of that number, from 1, replaced by `new`, or taken out by None."""
    lines = text.splitlines()
    lines[line - 1 : line] = [] if new is None else [new]
    return "\n".join(lines) + "\n"


def refusal_of(call: Callable[[], object]) -> list[str]:
    """The lines of the refusal that `call` ends in."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value).splitlines()
