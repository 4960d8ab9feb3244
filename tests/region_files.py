"""Region files as people write them, at random: every form that the reading takes, with comments in all places."""

from __future__ import annotations

from hypothesis import strategies as st

REMARK = st.sampled_from(["# §norr", "#§söder", "# §a: b", '# "§c', "# '§d", "# {§e", "# - §f", "#§g # §h", "# §é🏥"])
NAME = st.sampled_from(
    [
        "Vårdcentralen A",
        "no",
        "14",
        "12:30",
        "a: b",
        "a # b",
        "#c",
        "- d",
        "'e'",
        '"f"',
        "null",
        "~",
        "{g",
        "h, i",
        "é🏥",
        "j\\k",
    ]
)
BLANK = st.sampled_from(["", "", "   "])


def quoted(text: str) -> st.SearchStrategy[str]:
    """Write *text* in quotes of either kind."""
    double = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return st.sampled_from([double, "'" + text.replace("'", "''") + "'"])


@st.composite
def value(draw: st.DrawFn, text: str) -> str:
    """Write *text* as a value, in one of YAML's ways that keep it on its line."""
    if text.isalpha() and text != "null" and draw(st.booleans()):
        return text
    return draw(quoted(text))


@st.composite
def behind(draw: st.DrawFn) -> str:
    """A comment behind something, or none."""
    return draw(
        st.one_of(st.just(""), st.just("  "), REMARK.map(lambda text: f" {text}"), REMARK.map(lambda t: f"    {t}"))
    )


@st.composite
def above(draw: st.DrawFn, *columns: int) -> str:
    """Some lines of comments and blanks."""
    lines = draw(
        st.lists(
            st.one_of(BLANK, st.tuples(st.sampled_from(columns), REMARK).map(lambda one: " " * one[0] + one[1])),
            max_size=3,
        )
    )
    return "".join(f"{line}\n" for line in lines)


@st.composite
def entry(draw: st.DrawFn, key: str, text: str | None, indent: int, *columns: int) -> str:
    """Write one line, with what stands above it and behind."""
    lines = draw(above(*columns))
    said = draw(st.sampled_from(["null", "~", ""])) if text is None else draw(value(text))
    typed = draw(st.sampled_from([key, f'"{key}"']))
    return f"{lines}{' ' * indent}{typed}: {said}{draw(behind())}\n"


@st.composite
def block(draw: st.DrawFn, key: str, lines: list[tuple[str, str | None]]) -> str:
    """Write a key with lines of its own, or none; in braces, now and then."""
    head = draw(above(0))
    if not lines:
        none = "{}" if key == "clinics" else draw(st.sampled_from(["null", "~", ""]))
        return f"{head}{key}: {none}{draw(behind())}\n{draw(above(1, 4))}"
    if draw(st.integers(0, 9)) == 0:
        inner = "".join(
            f"  {name}: {'null' if text is None else draw(quoted(text))},{draw(behind())}\n{draw(above(0, 3))}"
            for name, text in lines
        )
        return f"{head}{key}: {{{draw(behind())}\n{inner} }}{draw(behind())}\n"
    indent = draw(st.sampled_from([1, 2, 2, 4]))
    inner = "".join(draw(entry(name, text, indent, 0, indent, 6)) for name, text in lines)
    return f"{head}{key}:{draw(behind())}\n{inner}{draw(above(indent))}"


OWN = [
    "x-a: {b: [c, # d\n  e]}\n",
    "x-f:\n- g\n# h\n- i\n",
    "x-j: |\n  k\n  # l\n\n  m\n",
    "x-n: o # p\n",
    "x-q:\n  # r\n  s: t\n",
]


@st.composite
def region_files(draw: st.DrawFn, ids: st.SearchStrategy[list[str]] | None = None) -> str:
    """A good region file of Västra Götaland."""
    suffixes = draw(ids or st.lists(st.from_regex(r"[A-Z0-9]{1,4}", fullmatch=True), unique=True, max_size=6))
    typed = [draw(st.sampled_from([f"SE2321000131-{one}", f"se2321000131-{one}".lower()])) for one in suffixes]
    board = [
        ("hsa_id", "SE2321000131-pnexempel"),
        ("name", draw(NAME)),
        ("support_order", draw(st.one_of(st.none(), NAME))),
    ]
    parts = [
        f"{draw(above(0))}version: 1{draw(behind())}\n",
        draw(entry("region", "14", 0, 0)),
        draw(entry("name", "Västra Götalandsregionen", 0, 0)),
        draw(block("patient_board", draw(st.sampled_from([[], draw(st.permutations(board))])))),
        draw(block("clinics", [(one, draw(NAME)) for one in typed])),
        *draw(st.lists(st.sampled_from(OWN), unique_by=lambda one: one[:3], max_size=2)),
    ]
    text = draw(st.sampled_from(["", "", "---\n", "# först\n\n---  # sedan\n"])) + "".join(draw(st.permutations(parts)))
    return text + draw(above(0)) + draw(st.sampled_from(["", "", "# sist", "...\n# efter\n"]))
