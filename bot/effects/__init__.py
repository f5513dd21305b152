"""Makes Discord agree with the record: carries out the outbox, paced, once, and in order."""

from bot.effects.actions import PANEL_CUSTOM_ID, Actions
from bot.effects.pacing import Pace
from bot.effects.places import find_channel, find_problem, find_role
from bot.effects.worker import Worker

__all__ = [
    "PANEL_CUSTOM_ID",
    "Actions",
    "Pace",
    "Worker",
    "find_channel",
    "find_problem",
    "find_role",
]
