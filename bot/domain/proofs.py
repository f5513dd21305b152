"""What is left of a signature that ended: that a text was agreed to, and at first by whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import Method, Signature
from bot.domain.audit import Finding, Flaw, Statement
from bot.domain.ledger import ENDINGS, Facts, LedgerKind, agrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That somebody signed one exact text, and when that ended.

    `subject` is a keyed name of the person in their group; it is None once `held_until` has
    passed, and then nothing in the proof says whose it is. `ended_at` is when the signature was
    revoked. The two positions are those of its entries in the ledger.
    """

    id: int
    group_key: str
    version_id: int
    version_number: int
    sha256: str
    receipt_number: str
    method: Method
    signed_at: datetime
    signed_after: datetime | None
    ended_at: datetime
    signed_position: int | None
    revoked_position: int | None
    subject: str | None
    held_until: datetime

    @classmethod
    def of(cls, signature: Signature, subject: str, held_for: timedelta) -> "Proof":
        """What is kept of a signature that has ended.

        Raises:
            ValueError: it still stands.
        """
        if signature.revoked_at is None:
            msg = "a signature that stands is no mere proof"
            raise ValueError(msg)
        return cls(
            id=0,
            group_key=signature.group_key,
            version_id=signature.version_id,
            version_number=signature.version_number,
            sha256=signature.sha256,
            receipt_number=signature.receipt_number,
            method=signature.method,
            signed_at=signature.signed_at,
            signed_after=signature.signed_after,
            ended_at=signature.revoked_at,
            signed_position=signature.signed_position,
            revoked_position=signature.revoked_position,
            subject=subject,
            held_until=signature.revoked_at + held_for,
        )

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the ledger tells of it."""
        both = (self.signed_position, self.revoked_position)
        return tuple(position for position in both if position is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedProof:
    """A proof, the hash of its version's text, and the entries it points at."""

    proof: Proof
    text_sha256: str
    signed: Statement | None
    ended: Statement | None


def check_proof(witnessed: WitnessedProof, recorded: set[tuple[str, int]]) -> Iterator[Finding]:
    """What is wrong with a proof, compared with its text and its entries.

    Args:
        witnessed: the proof.
        recorded: group and number of the versions that were published with an entry, so that
            whoever signed them has one too.
    """
    proof, signed, ended = witnessed.proof, witnessed.signed, witnessed.ended
    if proof.sha256 != witnessed.text_sha256:
        yield _about(proof, Flaw.SIGNATURE_TEXT, proof.signed_position)
    if proof.signed_position is None:
        if (proof.group_key, proof.version_number) in recorded:
            yield _about(proof, Flaw.SIGNATURE_UNRECORDED, None)
    elif not _is_said(signed, proof, _facts_of_signing(proof), (LedgerKind.SIGNED,)):
        yield _about(proof, Flaw.SIGNATURE, proof.signed_position)
    if proof.revoked_position is None:
        if proof.signed_position is not None:
            yield _about(proof, Flaw.ENDING_UNRECORDED, None)
        return
    facts = {"receipt_number": proof.receipt_number, "revoked_at": proof.ended_at}
    is_said = _is_said(ended, proof, facts, ENDINGS)
    is_of_another = signed is not None and ended is not None and signed.subject != ended.subject
    if not is_said or is_of_another:
        yield _about(proof, Flaw.ENDING, proof.revoked_position)


def _facts_of_signing(proof: Proof) -> Facts:
    return {
        "receipt_number": proof.receipt_number,
        "version": proof.version_number,
        "sha256": proof.sha256,
        "method": proof.method,
        "signed_at": proof.signed_at,
        "signed_after": proof.signed_after,
    }


def _is_said(
    statement: Statement | None, proof: Proof, facts: Facts, kinds: tuple[LedgerKind, ...]
) -> bool:
    return (
        statement is not None
        and statement.kind in kinds
        and statement.group_key == proof.group_key
        and (statement.payload is None or agrees(statement.payload, facts))
    )


def _about(proof: Proof, flaw: Flaw, position: int | None) -> Finding:
    return Finding(
        flaw=flaw, position=position, group_key=proof.group_key, receipt=proof.receipt_number
    )
