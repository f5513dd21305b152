"""What is said when nobody knows any more what a button was for, by what it was about."""

from bot.texts.asking import PASSED as LETTER_PASSED
from bot.texts.members import CHOICE_PASSED
from bot.texts.reporting import NOTICE_PASSED

PASSED = {"letter": LETTER_PASSED, "notice": NOTICE_PASSED, "choice": CHOICE_PASSED}
