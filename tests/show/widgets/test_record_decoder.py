"""The record decoder explains the field that is chosen, and asks about the record."""

from __future__ import annotations

import re
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from labkit.errors import LabError
from labkit.flowlogs import explain
from labkit.show.widgets import Widgets
from labkit.show.widgets.record_decoder import RecordDecoder
from labkit.show.widgets.record_questions import questions

LAB = [
    "2 123456789012 eni-01ab329f120ebcf5 10.1.15.80 157.185.170.119 0 0 1 10 610 1764774316 1764774376 ACCEPT OK",
    "2 123456789012 eni-01ab329f120ebcf5 20.65.136.10 10.1.15.80 36333 443 6 1 52 1764774316 1764774376 REJECT OK",
]
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"


def values(line: str) -> dict[str, str]:
    table = explain(line)
    return dict(zip(table["field"], table["value"], strict=True))


@pytest.fixture
def decoder() -> RecordDecoder:
    return Widgets(None).record_decoder(LAB[1])  # type: ignore[arg-type]


def test_each_field_is_explained_when_it_is_chosen() -> None:
    for line in (*LAB, NODATA):
        decoder = RecordDecoder(line)
        for field, value, meaning in explain(line).itertuples(index=False):
            decoder.field.value = field
            shown = re.sub("<[^>]+>", "", decoder.meaning.value).replace("&#x27;", "'")
            assert field in shown and value in shown and meaning in shown


def test_the_chosen_word_is_framed_in_the_line(decoder: RecordDecoder) -> None:
    decoder.field.value = "protocol"
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", decoder.line.value) == ["6"]
    assert re.sub("<[^>]+>", "", decoder.line.value) == LAB[1]


def test_the_keyboard_goes_from_word_to_word(decoder: RecordDecoder) -> None:
    decoder.place.value = 8
    assert decoder.field.value == "protocol" and "Protocol 6 is TCP." in decoder.meaning.value
    decoder.field.value = "action"
    assert decoder.place.value == 13
    decoder.place.value = 99
    assert decoder.field.value == "log-status"


def test_its_still_form_is_every_field_in_words(decoder: RecordDecoder) -> None:
    lines = str(decoder.still()).splitlines()
    assert len(lines) == 14
    assert lines[7].split(maxsplit=2) == ["protocol", "6", "Protocol 6 is TCP."]
    assert repr(decoder) == "\n".join(lines)


def test_where_nobody_looks_a_notebook_shows_the_still_form_as_it_stands(decoder: RecordDecoder) -> None:
    data, _ = DisplayFormatter().format(decoder.still())
    assert data == {"text/plain": str(decoder)}


def test_a_custom_format_and_an_unfamiliar_order() -> None:
    decoder = RecordDecoder("ACCEPT 10.1.15.80", "${action} ${srcaddr}")
    assert [name for _, name in decoder.field.options] == ["action", "srcaddr"]


# The quiz


def test_the_quiz_hides_the_explanations(decoder: RecordDecoder) -> None:
    decoder.quiz.value = True
    (shown,) = decoder._part.children
    assert shown is decoder._asking and "<mark" not in decoder.line.value
    assert decoder.quiz.description == "Back to the fields"
    decoder.quiz.value = False
    assert (decoder._part.children, decoder.quiz.description) == ((decoder._decoding,), "Quiz me")


def test_right_wrong_and_no_answer(decoder: RecordDecoder) -> None:
    decoder.quiz.value = True
    decoder.check.click()
    assert "Choose an answer first." in decoder.verdict.value
    first = questions(values(LAB[1]))[0]
    decoder.choice.value = next(each for each in first.choices if each != first.right)
    assert decoder.verdict.value == ""
    decoder.check.click()
    assert "✗" in decoder.verdict.value
    decoder.choice.value = first.right
    decoder.check.click()
    assert "✓" in decoder.verdict.value and "1 of 8 answered" in decoder.verdict.value


def test_after_the_last_question_comes_the_first(decoder: RecordDecoder) -> None:
    decoder.quiz.value = True
    first = decoder.question.value
    seen = []
    for _ in range(8):
        decoder.another.click()
        seen.append(decoder.question.value)
    assert len(set(seen)) == 8 and seen[-1] == first


def test_the_protocol_is_taken_for_a_port_among_the_wrong_answers() -> None:
    (asked,) = (each for each in questions(values(LAB[1])) if "8th word, 6, mean" in each.text)
    assert asked.right == "Protocol 6 is TCP."
    assert "Port 6, at which no common service listens." in asked.choices


def test_accept_is_not_delivery_among_the_questions() -> None:
    (asked,) = (each for each in questions(values(LAB[0])) if "13th word, ACCEPT" in each.text)
    assert "The traffic arrived at its destination." in asked.choices
    assert asked.right.startswith("Security groups and network ACLs let the traffic pass")


ODD = [LAB[1].replace(" 6 1 52 ", " 1 1 1 "), LAB[0].replace("ACCEPT OK", "- -")]


def test_every_question_has_one_right_answer_among_different_ones() -> None:
    for line in (*LAB, NODATA, *ODD):
        asked = questions(values(line))
        assert asked == questions(values(line))
        for question in asked:
            assert question.choices.count(question.right) == 1
            assert len(set(question.choices)) == len(question.choices) > 1


def test_the_right_answer_has_no_place_of_its_own() -> None:
    asked = [question for line in (*LAB, NODATA) for question in questions(values(line))]
    assert len({question.choices.index(question.right) for question in asked}) > 2


def test_of_a_record_without_a_flow_nothing_is_asked_that_it_lacks() -> None:
    asked = [question.text for question in questions(values(NODATA))]
    assert any("NODATA" in each for each in asked) and any("-, mean" in each for each in asked)
    assert not any("packets" in each for each in asked)


def test_a_format_about_which_nothing_can_be_asked_has_no_quiz() -> None:
    assert RecordDecoder("3 vpc-1", "${version} ${vpc-id}").quiz.disabled


# Bad input


def test_what_is_no_record_is_refused_in_a_sentence() -> None:
    bad: list[tuple[Any, str]] = [
        ("", "it has 0 fields"),
        (None, "Give one record as text"),
        (LAB, "Give one record as text, such as lab.records()[0], and not list"),
        (LAB[0] + " vpc-1 subnet-1 i-1 0 IPv4 10.1.15.80 157.185.170.119", "pass format='"),
        ("<script> is no record", "it has 4 fields"),
    ]
    for line, said in bad:
        with pytest.raises(LabError, match=re.escape(said)):
            RecordDecoder(line)


def test_html_in_a_record_is_shown_as_text() -> None:
    decoder = RecordDecoder("<b>x</b> 10.1.15.80", "${instance-tag} ${srcaddr}")
    shown = decoder.line.value + decoder.meaning.value
    assert "<b>x</b>" not in shown and "&lt;b&gt;x&lt;/b&gt;" in shown
