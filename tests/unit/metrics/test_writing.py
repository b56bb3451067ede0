"""What a tokenizer sees: scripts without spaces, letters beyond a-z, words of any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.metrics.writing import letters_beyond_ascii, unicode_words, unspaced_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今天的天气非常好,我们去公园散步。", "Chinese"),
        ("你好", "Chinese"),
        ("東京都は日本の首都です。", "Japanese"),
        ("コンピューター", "Japanese"),
        ("วันนี้อากาศดีมาก", "Thai"),
        ("ຂ້ອຍຮັກເຈົ້າ", "Lao"),
        ("ខ្ញុំស្រឡាញ់អ្នក", "Khmer"),
        ("မြန်မာနိုင်ငံသည်", "Burmese"),
        ("ཁྱེད་རང་བདེ་མོ་ཡིན་ནམ", "Tibetan"),
        ("今天的天气非常好 我们去公园散步 然后回家吃饭", "Chinese"),
        ("오늘은 날씨가 좋습니다", None),
        ("Сегодня хорошая погода", None),
        ("She said 你好 to everyone", None),
        ("今天 的 天气 非常 好", None),
        ("plain text", None),
        ("123 456 …", None),
        ("", None),
    ],
)
def test_the_language_of_text_without_spaces_is_named(text: str, language: str | None) -> None:
    assert unspaced_language(text) == language


@pytest.mark.parametrize(
    ("text", "counts"), [("Café", (1, 4)), ("naïve 42", (1, 5)), ("好a", (1, 2)), ("‘quoted’", (0, 6)), ("…—", (0, 0))]
)
def test_letters_outside_a_to_z_are_counted(text: str, counts: tuple[int, int]) -> None:
    assert letters_beyond_ascii(text) == counts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Café's 2nd  x_y", ["the", "café", "s", "2nd", "x", "y"]),
        ("cafe\u0301", ["café"]),
        ("Straße", ["strasse"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("ＡＢＣ", ["abc"]),
        ("今天ok吧", ["今", "天", "ok", "吧"]),
        ("👍 !", []),
    ],
)
def test_words_of_any_script(text: str, words: list[str]) -> None:
    assert unicode_words(text) == words


@given(st.text(max_size=50))
def test_words_never_hold_a_gap_and_are_the_same_line_by_line(text: str) -> None:
    words = unicode_words(text)
    assert all(word and not any(character.isspace() for character in word) for word in words)
    assert words == [word for line in text.split("\n") for word in unicode_words(line)]
