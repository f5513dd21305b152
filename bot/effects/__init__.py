"""Makes Discord agree with the record: carries out the outbox, paced, once, and in order."""

from bot.effects.actions import Actions
from bot.effects.languages import CommandTranslator, locale_of, speak_to_whoever_presses
from bot.effects.pacing import Pace
from bot.effects.places import find_channel, find_problem, find_role
from bot.effects.views import (
    ENFORCE_CUSTOM_ID,
    LANGUAGE_CUSTOM_ID,
    ORIGINAL,
    PANEL_CUSTOM_ID,
    REMOVE_CUSTOM_ID,
    enforce_view,
    language_button,
    remove_view,
)
from bot.effects.worker import Worker

__all__ = [
    "ENFORCE_CUSTOM_ID",
    "LANGUAGE_CUSTOM_ID",
    "ORIGINAL",
    "PANEL_CUSTOM_ID",
    "REMOVE_CUSTOM_ID",
    "Actions",
    "CommandTranslator",
    "Pace",
    "Worker",
    "enforce_view",
    "find_channel",
    "find_problem",
    "find_role",
    "language_button",
    "locale_of",
    "remove_view",
    "speak_to_whoever_presses",
]
