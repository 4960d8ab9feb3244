"""All rules by id, for who looks one up; whoever judges imports the file of the rule."""

from reconciler.findings import Rule
from reconciler.rules import (
    access,
    approval,
    board,
    check_digit,
    clinic,
    guard,
    incoming,
    listing,
    reading,
    region,
    route,
    shape,
    typed,
    undo,
)

RULES: dict[str, Rule[...]] = {
    found.id: found
    for module in (
        reading,
        typed,
        shape,
        region,
        board,
        check_digit,
        clinic,
        route,
        guard,
        incoming,
        approval,
        listing,
        undo,
        access,
    )
    for found in vars(module).values()
    if isinstance(found, Rule)
}
"""All rules by id, in the order of the stages and of the files."""
