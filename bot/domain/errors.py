"""Refusals: one exception per reason a person can be told "no".

The docstring of a subclass is the default message; `cogs` turn each into a sentence
from `bot.texts`, the command line prints the message as it is.
"""

import inspect


class DomainError(Exception):
    """Pledge cannot do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or "Refused."))


class ConfigurationError(DomainError):
    """The configuration cannot be used."""


class TemporaryError(DomainError):
    """This cannot be done at the moment, and passes by itself: trying again later helps."""


class StorageError(DomainError):
    """The database cannot be used."""


class RecordUnavailableError(StorageError, TemporaryError):
    """The record cannot be read or written at the moment; nothing was recorded."""


class RecordUncertainError(RecordUnavailableError):
    """The connection to the record broke during a commit: nobody knows what came of it."""


class InUseError(StorageError, TemporaryError):
    """Another Pledge is running with this database. Stop that one first."""


class NoDatabaseError(StorageError):
    """There is no database yet; `pledge run` makes it."""


class NotPublishedError(DomainError):
    """This group has not published its agreement yet."""


class NothingToPublishError(DomainError):
    """The text in force is already the text in the file."""


class AgreementFileError(DomainError):
    """The file of the agreement cannot be read as it is."""


class PublishConflictError(DomainError):
    """The text changed, or somebody else published it, since you opened the preview."""


class ChangeKindRequiredError(DomainError):
    """A new version needs to say whether the change is minor or material."""


class OutdatedRequestError(DomainError):
    """This message holds an older text of the agreement."""


class NotAMemberError(DomainError):
    """Only somebody who is in the server can sign for its group."""


class ScreeningError(DomainError):
    """The server's own entry questions come first."""


class NotSignedError(DomainError):
    """There is no valid signature to act on."""


class AlreadySignedError(DomainError):
    """There is a valid signature already; it is withdrawn by taking the acceptance back."""


class NotEntitledError(DomainError):
    """This is not open to you."""


class UnknownChoiceError(DomainError):
    """This is none of the choices that were offered."""


class UnknownGroupError(DomainError):
    """No group of this name is configured here."""


class NotLookedError(DomainError):
    """Discord did not answer, so nothing is known about the gate."""


class AlreadyInvitingError(DomainError):
    """People of this group are being asked already."""


class StaleEstimateError(DomainError):
    """The count is too old to act on, or somebody has acted on it."""


class OwnAttestationError(DomainError):
    """Nobody can attest their own signature."""


class CoveredError(DomainError):
    """This person holds a valid signature already."""


class AttestationStaleError(DomainError):
    """Something has changed since this was shown."""


class NothingSignedError(NotSignedError):
    """There is no signature to give a receipt for."""


class NoReceiptError(DomainError):
    """The ledger does not hold what a receipt needs: it was erased, or is older than the ledger."""


class ExportTooLargeError(DomainError):
    """The export is larger than what Discord takes, even when it is zipped."""


class UnknownCaseError(DomainError):
    """There is no such case, or it is not yours to see."""


class DecidedBeforeError(DomainError):
    """Whoever has decided in this case does not decide the appeal."""


class CaseStateError(DomainError):
    """The case is not in a state in which this can be done."""


class TooManyReportsError(DomainError):
    """So many reports have come in a short time that no more are taken for now."""


class HearingNeededError(DomainError):
    """The accused has to be heard first, or the urgency has to be stated."""


class EvidenceRefusedError(DomainError):
    """The file cannot be kept: its kind is not one that Pledge takes, or it is too large."""


class NobodyToWriteToError(DomainError):
    """Nobody is named as the accused, or everybody who reported has taken their report back."""


class LateAnswerError(DomainError):
    """This question is not waiting for an answer any more."""


class CaseMismatchError(DomainError):
    """These two cases do not belong together."""


class UnknownOutcomeError(DomainError):
    """The consequences of this agreement have no such step."""


class NobodyNamedError(DomainError):
    """The case names nobody, so nothing can be decided against anybody."""


class SuspensionEndError(DomainError):
    """A suspension needs an end that is to come."""


class HarsherOutcomeError(DomainError):
    """An appeal can confirm, soften or lift a decision, and not make it harsher."""


class StaleDecisionError(DomainError):
    """Something has been added to the case since this was shown."""


class NoAppealError(DomainError):
    """There is nothing to appeal against, or the time for it is over."""
