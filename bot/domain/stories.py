"""The story of one person and the agreement: what was asked, answered, and comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    UNANSWERED,
    AgreementVersion,
    RequestState,
    Signature,
    SignatureRequest,
    Standing,
)
from bot.domain.holders import Adoption
from bot.domain.suspensions import Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the group has settled that the story depends on."""

    remind_after_days: tuple[int, ...]
    grace: timedelta
    takes_roles: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything the record knows of one person in one group.

    `request` is the one that counts now, `earlier` those before it, oldest first, like the
    `signatures`. `adoption` is set while they keep the role as a member from before Pledge,
    `pause` while access is closed to them all the same; why is not part of it.
    `reminders` counts what was sent for the request that counts, the last at `reminded_at`.
    """

    member_id: int
    standing: Standing | None
    request: SignatureRequest | None
    earlier: tuple[SignatureRequest, ...]
    signatures: tuple[Signature, ...]
    in_force: AgreementVersion | None
    adoption: Adoption | None = None
    reminders: int = 0
    reminded_at: datetime | None = None
    pause: Pause | None = None

    @property
    def newest(self) -> Signature | None:
        """The signature that was given last, whether or not it still counts."""
        return self.signatures[-1] if self.signatures else None

    def next_reminder_at(self, settled: Settled) -> datetime | None:
        """When the next reminder goes out by itself, if one does."""
        request = self.request
        if request is None or request.state is not RequestState.SENT or request.sent_at is None:
            return None
        days = [day for day in settled.remind_after_days if day > (request.reminded_day or 0)]
        return request.sent_at + timedelta(days=min(days)) if days else None

    def keeps_role_until(self, settled: Settled) -> datetime | None:
        """When a member from before Pledge who does not answer loses the role; None is open."""
        request = self.request
        if self.adoption is None or not settled.takes_roles or request is None:
            return None
        return self.adoption.kept_until(settled.grace) if request.state in UNANSWERED else None
