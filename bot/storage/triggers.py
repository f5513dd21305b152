"""What the database itself keeps up: on every request, what the person signed last."""

from sqlalchemy import DDL, Table, event

_SQLITE = (
    """
    CREATE TRIGGER signatures_newest AFTER INSERT ON signatures
    BEGIN
        UPDATE signature_requests
        SET newest_id = NEW.id, newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND group_key = NEW.group_key
            AND (newest_id IS NULL OR newest_id < NEW.id);
    END
    """,
    """
    CREATE TRIGGER signatures_newest_ended AFTER UPDATE OF version_id, revoke_reason ON signatures
    BEGIN
        UPDATE signature_requests
        SET newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND newest_id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER signature_requests_newest AFTER INSERT ON signature_requests
    WHEN EXISTS (
        SELECT 1 FROM signatures
        WHERE group_key = NEW.group_key AND member_id = NEW.member_id
    )
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = NEW.group_key AND member_id = NEW.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER signatures_newest_gone AFTER DELETE ON signatures
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = OLD.group_key AND member_id = OLD.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE member_id = OLD.member_id AND newest_id = OLD.id;
    END
    """,
)

_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION signatures_newest() RETURNS trigger AS $$
    BEGIN
        UPDATE signature_requests
        SET newest_id = NEW.id, newest_version_id = NEW.version_id, newest_end = NEW.revoke_reason
        WHERE member_id = NEW.member_id AND group_key = NEW.group_key
            AND (newest_id IS NULL OR newest_id <= NEW.id);
        RETURN NULL;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signatures_newest AFTER INSERT OR UPDATE OF version_id, revoke_reason
    ON signatures FOR EACH ROW EXECUTE FUNCTION signatures_newest()
    """,
    """
    CREATE OR REPLACE FUNCTION signature_requests_newest() RETURNS trigger AS $$
    DECLARE
        newest record;
    BEGIN
        SELECT id, version_id, revoke_reason INTO newest FROM signatures
        WHERE group_key = NEW.group_key AND member_id = NEW.member_id
        ORDER BY id DESC LIMIT 1;
        IF FOUND THEN
            NEW.newest_id := newest.id;
            NEW.newest_version_id := newest.version_id;
            NEW.newest_end := newest.revoke_reason;
        END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signature_requests_newest BEFORE INSERT ON signature_requests
    FOR EACH ROW EXECUTE FUNCTION signature_requests_newest()
    """,
    """
    CREATE OR REPLACE FUNCTION signatures_newest_gone() RETURNS trigger AS $$
    BEGIN
        UPDATE signature_requests
        SET (newest_id, newest_version_id, newest_end) = (
            SELECT id, version_id, revoke_reason FROM signatures
            WHERE group_key = OLD.group_key AND member_id = OLD.member_id
            ORDER BY id DESC LIMIT 1
        ) WHERE member_id = OLD.member_id AND newest_id = OLD.id;
        RETURN NULL;
    END $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER signatures_newest_gone AFTER DELETE
    ON signatures FOR EACH ROW EXECUTE FUNCTION signatures_newest_gone()
    """,
)


def keep_newest(signatures: Table) -> None:
    """Make the triggers together with this table, the later one of the two that they belong to."""
    for dialect, statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
        for statement in statements:
            event.listen(signatures, "after_create", DDL(statement).execute_if(dialect=dialect))
