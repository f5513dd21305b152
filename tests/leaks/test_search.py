"""The search of the tests beside this one finds what it looks for."""

import base64

from tests.leaks.search import found

WORD = "marigold-told-this"


def test_search_finds_a_word_in_every_form() -> None:
    sentence = f"that {WORD}, and more"
    raw = sentence.encode()
    for form in (raw, sentence.encode("utf-16-le"), raw.hex().encode()):
        assert found(form, [WORD]) == [WORD]
    for start in range(6):
        assert found(base64.b64encode(bytes(start) + raw), [WORD]) == [WORD]
    assert found("marigold-told-that", [WORD]) == []
