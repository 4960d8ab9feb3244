"""Every rule, one file per subject.

Rules are pure generators over what their stage sees. None does I/O, none knows how it is printed.
"""

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
