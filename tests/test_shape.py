"""What is said of one file's text and values: why an HSA-id is none, what was meant, how many and where."""

import pytest

from reconciler.findings import Place
from reconciler.model import SourceText
from reconciler.rules import reading, shape


@pytest.mark.parametrize(
    ("typed", "reason", "meant"),
    [
        ("", "it is empty", None),
        ("XX2321000131-E1", "it does not begin with SE", None),
        ("SE2321000131E1", "the hyphen after the number is missing", None),
        ("SE232100013-E1", "between SE and the hyphen stand ten digits, here 9 characters", None),
        ("SE172321000131-E1", "between SE and the hyphen stand ten digits, here 12 characters", None),
        ("SE2321000131-", "nothing stands after the hyphen", None),
        ("SE2321000131-E_1", "_ may not stand after the hyphen", None),
        ("SE2321000131-Å1", "Å may not stand after the hyphen", None),
        ("SE2321000131-E1234567890123456789", "it is 33 characters long", None),
        ("SE232100O131-E1", "character 9 is the letter O, where a digit belongs", "SE2321000131-E1"),
        ("se232l000131-e1", "character 6 is the letter L, where a digit belongs", "SE2321000131-E1"),
        ("SE2321000131\u2013E1", "character 13 is a dash", "SE2321000131-E1"),
        ("SE2321000131\u2011E1", "character 13 is a hyphen that does not break", "SE2321000131-E1"),
        ("SE2321000131-E1 ", "character 16 is a blank", "SE2321000131-E1"),
        ("SE2321000131-E\u00a01", "character 15 is a no-break space", "SE2321000131-E1"),
        ("SE2321000131-\u200bE1", "character 14 is an invisible blank", "SE2321000131-E1"),
        ("”SE2321000131-E1”", "character 1 is a curly quote", "SE2321000131-E1"),
        ("• SE2321000131-E1", "character 1 is a bullet", "SE2321000131-E1"),
        ("SE2321000131_E1", "the hyphen after the number is missing", "SE2321000131-E1"),
        ("2321000131-E1", "it does not begin with SE", "SE2321000131-E1"),
        ("SESE2321000131-E1", "between SE and the hyphen stand ten digits, here 12 characters", "SE2321000131-E1"),
        ("SE232100-0131-E1", "between SE and the hyphen stand ten digits, here 6 characters", "SE2321000131-E1"),
        ("SE2321000131-E1:", ": may not stand after the hyphen", "SE2321000131-E1"),
        ("S\u04152321000131-E1", "character 2, \u0415, only looks like one that belongs here", "SE2321000131-E1"),
        ("SE\uff12321000131-E1", "character 3, \uff12, only looks like one that belongs here", "SE2321000131-E1"),
        ("SE2321000131-\x7f1", "'\\x7f' may not stand after the hyphen", None),
    ],
)
def test_a_malformed_id_is_told_why_and_what_was_meant(typed, reason, meant):
    (finding,) = shape.hsa_id_malformed(typed, Place("14.yaml", 9, 3))
    assert finding.values["reason"] == reason
    assert finding.suggestion == meant
    assert not shape.is_hsa_id(typed)


def test_an_id_with_a_digit_off_gets_the_number_of_those_around_it():
    (finding,) = shape.hsa_id_malformed("SE23210000131-E1", Place("14.yaml", 9, 3), ["SE2321000131-E2", "x"])
    assert finding.suggestion == "SE2321000131-E1"
    (finding,) = shape.hsa_id_malformed("SE23210000131-Å", Place("14.yaml", 9, 3), ["SE2321000131-E2"])
    assert finding.suggestion is None


@pytest.mark.parametrize(
    "typed", ["SE2321000131-E1", "SE162321000255-O24371", "SE2321000131-A", "SE162321000131-12345678901234"]
)
def test_both_forms_of_an_id_are_ids(typed):
    assert shape.is_hsa_id(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("1", '"01"'), ("9", '"09"'), ("skåne", None), ("Region Skane", '"12"'), ("02", None), ("99", None), ("", None)],
)
def test_a_code_is_offered_for_a_lost_zero_and_for_a_name(typed, meant):
    (finding,) = shape.region_code_unknown(typed, Place("14.yaml", 2, 9))
    assert finding.suggestion == meant


def test_several_of_a_kind_are_one_finding_that_counts_them():
    (finding,) = reading.tab_character(SourceText("14.yaml", "a: b\n\tc:\t\td\n"))
    assert finding.problem == "a tab character (and 2 more)"
    assert finding.place == Place("14.yaml", 2, 1, 2, 2, "\tc:\t\td")


@pytest.mark.parametrize("text", ["\r\n", "\ufeffversion: 1\n", "å\n"])
def test_line_ends_of_windows_and_a_mark_at_the_start_are_no_fault(text):
    assert list(reading.control_character(SourceText("14.yaml", text))) == []


def test_a_byte_that_is_not_utf8_is_told_by_line_and_column():
    (finding,) = reading.not_utf8(SourceText("14.yaml", "version: 1\nname: R\ufffdgion\n"), 18, 0xE9)
    assert (finding.place.line, finding.place.column) == (2, 8)
    assert finding.problem == "the file is not UTF-8: character 19 is the byte 0xe9 (in another encoding: é)"
