"""Looks into files that people hand in: what they are, and what of them may be kept."""

import io
import json
import unicodedata
import warnings
from typing import Any

import puremagic as puremagic_module  # pyright: ignore[reportMissingTypeStubs]
from PIL import Image, ImageOps, UnidentifiedImageError

puremagic: Any = puremagic_module
"""Comes with types of which some are missing."""

MOST_PIXELS = 25_000_000
"""Pixels of a picture, all frames together; a small file can unpack to more than memory holds."""

MOST_FRAMES = 500
"""Frames of a picture that moves: each takes time, however small it is."""

_PICTURES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
_OTHERS = {
    "application/pdf": "application/pdf",
    "audio/mpeg": "audio/mpeg",
    "audio/mp3": "audio/mpeg",
    "audio/ogg": "audio/ogg",
    "application/ogg": "audio/ogg",
    "audio/mp4": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/wav": "audio/wav",
    "audio/x-wav": "audio/wav",
    "video/mp4": "video/mp4",
    "video/quicktime": "video/quicktime",
    "video/webm": "video/webm",
}
ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "text/plain": "txt",
}
"""How a file of each kind is called when it is handed out: its own name may name somebody."""


class RefusedError(ValueError):
    """This is none of the kinds of files that are kept."""


def cleaned(content: bytes) -> bytes:
    """What is kept of a file, its media type in front of it as `split` reads it.

    The kind is told by the content, never by the name. Pictures are drawn anew, upright, so that
    nothing stays of where and with what they were taken, nor anything hidden behind them. Made for
    a worker process: a picture can be built to cost time and memory.

    Raises:
        RefusedError: the file is of no kind that is kept, damaged, or a picture that is too large
            or has too many frames.
    """
    media_type, kept = _picture(content) or _other(content)
    return json.dumps(media_type).encode() + b"\n" + kept


def split(made: bytes) -> tuple[str, bytes]:
    """Media type and content of what `cleaned` made."""
    head, _, kept = made.partition(b"\n")
    return json.loads(head), kept


def _picture(content: bytes) -> tuple[str, bytes] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = Image.open(io.BytesIO(content), formats=list(_PICTURES))
            kind, frames = picture.format or "", getattr(picture, "n_frames", 1)
            if kind == "MPO":
                # What some cameras make: a JPEG with smaller ones behind it.
                kind, frames = "JPEG", 1
            pixels = picture.width * picture.height * frames
            fits = pixels <= MOST_PIXELS and frames <= MOST_FRAMES
            drawn = _drawn_anew(picture, kind, frames) if fits else None
    except UnidentifiedImageError:
        return None
    except Exception:
        # Pillow raises whatever the parts of a damaged picture lead it to.
        raise RefusedError from None
    if drawn is None:
        raise RefusedError
    return ("image/png" if kind == "GIF" and frames == 1 else _PICTURES[kind]), drawn


def _drawn_anew(picture: Image.Image, kind: str, frames: int) -> bytes:
    out = io.BytesIO()
    if frames == 1:
        ImageOps.exif_transpose(picture, in_place=True)
        mode = "RGB" if kind == "JPEG" else "RGBA"
        bare = _without_facts(picture if picture.mode == mode else picture.convert(mode))
        picture.close()  # the largest ones leave no room for two
        options = {"quality": 92} if kind == "JPEG" else {}
        bare.save(out, "PNG" if kind == "GIF" else kind, **options)
        return out.getvalue()
    shown: list[Image.Image] = []
    durations: list[int] = []
    for number in range(frames):
        picture.seek(number)
        shown.append(_without_facts(picture.convert("RGBA")))
        durations.append(int(picture.info.get("duration", 100)))
    shown[0].save(out, kind, save_all=True, append_images=shown[1:], duration=durations, loop=0)
    return out.getvalue()


def _without_facts(picture: Image.Image) -> Image.Image:
    """The same pixels, without what is written beside them."""
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare


def _other(content: bytes) -> tuple[str, bytes]:
    try:
        mime = puremagic.from_string(content, mime=True)
    except (puremagic.PureError, ValueError):
        mime = ""
    if mime in _OTHERS:
        return _OTHERS[mime], content
    if _is_text(content):
        return "text/plain", content
    raise RefusedError


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(
        sign in "\n\r\t" or unicodedata.category(sign) != "Cc" for sign in text
    )
