"""Makes Discord agree with the record: carries out the outbox, paced, once, and in order."""

from bot.effects.actions import ENFORCE_CUSTOM_ID, PANEL_CUSTOM_ID, Actions, enforce_view
from bot.effects.pacing import Pace
from bot.effects.places import find_channel, find_problem, find_role
from bot.effects.worker import Worker

__all__ = [
    "ENFORCE_CUSTOM_ID",
    "PANEL_CUSTOM_ID",
    "Actions",
    "Pace",
    "Worker",
    "enforce_view",
    "find_channel",
    "find_problem",
    "find_role",
]
