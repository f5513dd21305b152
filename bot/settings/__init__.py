"""What the operator decides: the configuration, the agreements and the environment.

The only reader of YAML and of environment variables. Everything is read by a function and
passed on; nothing is kept at module level. Every refusal is a `ConfigurationError` of
`bot.domain.errors` whose message has one line for each problem.
"""

from bot.settings.agreement_file import load_agreement
from bot.settings.config import Group, Settings
from bot.settings.environment import (
    config_path,
    discord_token,
    encryption_key,
    starter_folder,
)
from bot.settings.sections import Cases, Channels, Retention, Roles, Signing, Upkeep
from bot.settings.translations import AgreementTexts, LintResult, lint_agreement, load_texts
from bot.settings.values import NameOrId, same_emoji

__all__ = [
    "AgreementTexts",
    "Cases",
    "Channels",
    "Group",
    "LintResult",
    "NameOrId",
    "Retention",
    "Roles",
    "Settings",
    "Signing",
    "Upkeep",
    "config_path",
    "discord_token",
    "encryption_key",
    "lint_agreement",
    "load_agreement",
    "load_texts",
    "same_emoji",
    "starter_folder",
]
