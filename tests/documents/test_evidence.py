"""Files people hand in: told by their content, and stripped of what they tell by themselves."""

import io
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.documents import evidence
from bot.documents.evidence import ENDINGS, RefusedError, cleaned, split

SECRET = b"marigold-lantern"


def picture(kind: str, *, frames: int = 1, size: tuple[int, int] = (8, 4)) -> bytes:
    """A picture that says where and with what it was taken."""
    shown = [Image.new("RGB", size, (200, number, 0)) for number in range(frames)]
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    options = {"save_all": True, "append_images": shown[1:]} if frames > 1 else {}
    if kind == "GIF":
        options |= {"comment": SECRET}
    else:
        options |= {"exif": exif}
    shown[0].save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_nothing_stays_of_where_a_picture_was_taken(kind: str) -> None:
    received = picture(kind)
    assert SECRET in received
    media_type, kept = split(cleaned(received))
    assert media_type in ENDINGS
    assert SECRET not in kept
    shown = Image.open(io.BytesIO(kept))
    assert not shown.getexif()
    # Turned upright, as it was seen, instead of by a note beside it.
    assert shown.size == ((8, 4) if kind == "GIF" else (4, 8))


def test_first_of_the_pictures_in_a_file_of_a_camera_is_kept() -> None:
    out = io.BytesIO()
    big, small = Image.new("RGB", (8, 4), (200, 0, 0)), Image.new("RGB", (4, 2))
    big.save(out, "MPO", save_all=True, append_images=[small])
    media_type, kept = split(cleaned(out.getvalue()))
    assert media_type == "image/jpeg"
    shown = Image.open(io.BytesIO(kept))
    assert (shown.size, getattr(shown, "n_frames", 1)) == ((8, 4), 1)


def test_moving_pictures_still_move() -> None:
    media_type, kept = split(cleaned(picture("GIF", frames=3)))
    assert media_type == "image/gif"
    assert getattr(Image.open(io.BytesIO(kept)), "n_frames", 1) == 3
    assert SECRET not in kept


def test_what_is_hidden_behind_a_picture_goes() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hidden.txt", SECRET)
    _, kept = split(cleaned(picture("PNG") + archive.getvalue()))
    assert SECRET not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "application/pdf"),
        (b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(40), "audio/ogg"),
        ("What was said, in words. ✅\n".encode(), "text/plain"),
    ],
)
def test_other_kinds_are_told_by_their_content(content: bytes, media_type: str) -> None:
    assert split(cleaned(content)) == (media_type, content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"PK\x03\x04" + bytes(200),
        b"some text\x00with a zero",
        b"\xff\xfe\x00\x01" + bytes(50),
    ],
)
def test_programs_archives_and_noise_are_refused(content: bytes) -> None:
    with pytest.raises(RefusedError):
        cleaned(content)


def test_a_picture_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_PIXELS", 31)
    with pytest.raises(RefusedError):
        cleaned(picture("PNG"))
    monkeypatch.setattr(evidence, "MOST_PIXELS", 32)
    assert cleaned(picture("PNG"))
    with pytest.raises(RefusedError):
        cleaned(picture("GIF", frames=2))


def test_a_picture_of_too_many_frames_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_FRAMES", 3)
    assert cleaned(picture("GIF", frames=3))
    with pytest.raises(RefusedError):
        cleaned(picture("GIF", frames=4))


def test_a_picture_whose_size_is_a_lie_is_refused() -> None:
    bomb = bytearray(picture("PNG"))
    bomb[16:24] = (60_000).to_bytes(4) * 2
    with pytest.raises(RefusedError):
        cleaned(bytes(bomb))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.integers(0, 2**32))
def test_whatever_comes_is_kept_or_refused(noise: bytes | int) -> None:
    if isinstance(noise, int):
        chance = random.Random(noise)
        damaged = bytearray(picture(chance.choice(["PNG", "JPEG", "GIF", "WEBP"])))
        for _ in range(chance.randrange(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        noise = bytes(damaged[: chance.randrange(1, len(damaged) + 1)])
    try:
        media_type, _ = split(cleaned(noise))
    except RefusedError:
        return
    assert media_type in ENDINGS
