"""Turns database rows into the records of the domain."""

from sqlalchemy import RowMapping

from bot.domain.agreements import (
    AgreementVersion,
    Change,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    VersionState,
)
from bot.domain.effects import Effect, EffectKind, EffectState
from bot.storage.database import Transaction
from bot.storage.sealing import read_text


def version(row: RowMapping) -> AgreementVersion:
    """One row of `agreement_versions`."""
    values = dict(row)
    values["state"] = VersionState(values["state"])
    values["change"] = Change(values["change"]) if values["change"] else None
    return AgreementVersion(**values)


def request(row: RowMapping) -> SignatureRequest:
    """One row of `signature_requests`, with the number of its version as `version_number`."""
    values = dict(row)
    for kept_by_triggers in ("newest_id", "newest_version_id", "newest_end"):
        del values[kept_by_triggers]
    values["state"] = RequestState(values["state"])
    return SignatureRequest(**values)


def signature(tx: Transaction, row: RowMapping) -> Signature:
    """One row of `signatures`, with the number of its version as `version_number`."""
    values = dict(row)
    values["note"] = read_text(tx, row["note"])
    values["method"] = Method(values["method"])
    reason = values["revoke_reason"]
    values["revoke_reason"] = RevokeReason(reason) if reason else None
    return Signature(**values)


def effect(row: RowMapping) -> Effect:
    """One row of `effects`."""
    values = dict(row)
    del values["finished_at"]
    values["kind"] = EffectKind(values["kind"])
    values["state"] = EffectState(values["state"])
    return Effect(**values)
