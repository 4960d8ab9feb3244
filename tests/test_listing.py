"""Lists of clinics as Excel, LibreOffice and people write them: what is taken out, and what is said of the rest."""

from __future__ import annotations

import pytest

from reconciler.edit.issue_form import IssueForm, Wish, read_form
from reconciler.edit.listing import read_list

A, B = "SE2321000131-E000000000213", "SE2321000131-E000000000458"
S = "SE162321000255-O25177"
NAMED = f"{A};Närhälsan Krokslätt\r\n{B};Närhälsan Ågårdsskogen\r\n"
CORPUS: dict[str, str | bytes] = {
    "one-a-line": f"{A}\n{B}\n",
    "no-line-break-at-the-end": f"{A}\n{B}",
    "windows-line-ends": f"{A}\r\n{B}\r\n",
    "old-mac-line-ends": f"{A}\r{B}\r",
    "blank-lines": f"\n\n{A}\n\n   \n{B}\n\n",
    "blanks-around": f"  {A} \n\t{B}\t\n",
    "no-break-space-around": f"\u00a0{A}\u00a0\n\u202f{B}\n",
    "no-break-space-inside": f"{A[:12]}\u00a0{A[12:]}\n{B}\n",
    "blanks-inside": f"SE 232100 0131 - {A[13:]}\n{B}\n",
    "zero-width-space": f"\u200b{A}\n{B[:5]}\u200b{B[5:]}\n",
    "soft-hyphen": f"{A}\u00ad\n{B}\n",
    "mark-of-utf8": f"\ufeff{A}\n{B}\n",
    "utf8-with-mark-and-header": f"\ufeffHSA-id\n{A}\n{B}\n",
    "lower-case": f"{A.lower()}\n{B.lower()}\n",
    "double-quotes": f'"{A}"\n"{B}"\n',
    "single-quotes": f"'{A}'\n'{B}'\n",
    "curly-quotes": f"”{A}”\n“{B}”\n",
    "excels-leading-quote": f"'{A}\n'{B}\n",
    "comma-at-the-end": f"{A},\n{B},\n",
    "semicolon-at-the-end": f"{A};\n{B};\n",
    "csv-with-semicolons": NAMED,
    "csv-with-commas": NAMED.replace(";", ","),
    "csv-with-tabs": NAMED.replace(";", "\t"),
    "csv-with-bars": NAMED.replace(";", " | "),
    "csv-cp1252": NAMED.encode("cp1252"),
    "csv-utf16-of-excel": NAMED.replace(";", "\t").encode("utf-16"),
    "csv-utf16-big-endian": b"\xfe\xff" + NAMED.replace(";", "\t").encode("utf-16-be"),
    "header-in-english": "HSA-id;Name\n" + NAMED,
    "header-in-swedish": "Mottagning;HSA-ID\nKrokslätt;" + A + "\nÅgårdsskogen;" + B + "\n",
    "header-in-quotes": '"HSAID","Namn"\n' + f'"{A}","Krokslätt"\n"{B}","Ågårdsskogen"\n',
    "header-of-three": f"Nr;Enhetens HSA-id;Ort\n1;{A};Mölndal\n2;{B};Lidköping\n",
    "header-of-words": f"Våra mottagningar\n{A}\n{B}\n",
    "excels-sep-line": f"sep=;\nHSA-id;Namn\n{NAMED}",
    "name-first": f"Krokslätt;{A}\nÅgårdsskogen;{B}\n",
    "name-with-comma-in-quotes": f'{A},"Krokslätt, Mölndal"\n{B},"Ågårdsskogen, Lidköping"\n',
    "name-with-semicolon-in-quotes": f'{A};"Krokslätt; Mölndal"\n{B};x\n',
    "name-with-doubled-quotes": f'{A};"Vårdcentralen ""Krokslätt"""\n{B};x\n',
    "name-without-separator": f"{A} Närhälsan Krokslätt\n{B} Närhälsan Ågårdsskogen\n",
    "all-cells-quoted": f'"{A}";"x";""\n"{B}";"y";""\n',
    "empty-columns-first": f";;{A}\n;;{B}\n",
    "many-empty-rows-of-excel": f"{A};;;\n;;;\n;;;\n{B};;;\n;;;\n",
    "comments": f"# från mejlet\n{A}\n# och\n{B}\n",
    "line-break-in-a-cell": f'{A};"Krokslätt\nMölndal"\n{B};"Ågårdsskogen\r\nLidköping\r\n"\n',
    "quote-left-open": f'{A};"Krokslätt\n{B};Ågårdsskogen\n',
    "line-separator-in-a-name": f"{A};Krokslätt\u2028Mölndal\n{B};x\n",
    "on-one-line": f"{A} {B}\n",
    "on-one-line-with-commas": f"{A}, {B}\n",
    "markdown-list": f"- {A}\n* {B}\n",
    "aligned-with-blanks": f"{A}    Krokslätt\n{B}    Ågårdsskogen\n",
    "yaml-lines": f"  {A}: Närhälsan Krokslätt\n  {B}: Närhälsan Ågårdsskogen\n",
}


def ids(content: str | bytes) -> list[str]:
    rows = read_list(content.encode() if isinstance(content, str) else content)
    return [hsa_id for row in rows for hsa_id in row.hsa_ids]


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(CORPUS) >= 40


@pytest.mark.parametrize("name", CORPUS)
def test_a_list_gives_its_clinics_and_nothing_is_said_of_the_rest(name: str) -> None:
    content = CORPUS[name]
    rows = read_list(content.encode() if isinstance(content, str) else content)
    assert [hsa_id for row in rows for hsa_id in row.hsa_ids] == [A, B]
    assert [row.text for row in rows if not row.hsa_ids] == []


def test_an_id_of_the_live_form_is_one() -> None:
    assert ids(f"{S};Helsa\n") == [S]


def test_a_row_keeps_its_number_and_says_what_it_has_instead_of_an_id() -> None:
    rows = read_list(f"HSA-id;Namn\n\n{A};x\nKrokslätt;Mölndal\nSE23210O0131-E1;y\n".encode())
    assert [(row.number, row.text, row.malformed) for row in rows[1:]] == [
        (4, "Krokslätt;Mölndal", None),
        (5, "SE23210O0131-E1;y", "SE23210O0131-E1"),
    ]
    assert rows[0].number == 3


def test_an_empty_list_has_no_rows() -> None:
    assert ids("") == []
    assert ids("HSA-id;Namn\n") == []


# ---- issue forms

CONNECT = f"""### Region

14 Västra Götalandsregionen

### Mottagningar att ansluta

```text
HSA-id\tNamn
{A}\tKrokslätt
hej
```
"""


def test_a_form_that_connects_clinics_gives_its_rows_with_their_lines() -> None:
    form = read_form(CONNECT)
    assert (form.wish, form.region) == (Wish.CONNECT, "14")
    assert [(row.number, row.hsa_ids) for row in form.rows] == [(9, (A,)), (10, ())]


def test_a_form_that_disconnects_and_says_nothing() -> None:
    text = "### Region\r\n\r\n_No response_\r\n\r\n### Mottagningar att koppla bort\r\n\r\n_No response_\r\n"
    assert read_form(text) == IssueForm(Wish.DISCONNECT, None)


def test_a_form_that_orders_a_board() -> None:
    text = (
        "### Region\n\n01\n\n### Patientnämndens HSA-id\n\nSE1\n\n### Patientnämndens namn\n\nNämnden i\nStaden\n\n"
        "### Beställningens nummer\n\nETJ-1\n\n### Annat\n\nhej\n"
    )
    assert read_form(text)[:2] == (Wish.BOARD, "01")
    assert read_form(text)[3:5] == ("SE1", "Nämnden i Staden")


def test_a_text_that_is_no_form_asks_for_nothing() -> None:
    assert read_form("hej\n### Region\n\n14\n") == IssueForm(None, "14")
