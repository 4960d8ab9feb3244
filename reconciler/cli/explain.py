"""The command that explains: a rule, or a clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.shared import format_option, now, say, settings_of
from reconciler.findings import Exit
from reconciler.words import _

if TYPE_CHECKING:
    from reconciler.model import HsaId


@click.command()
@click.argument("what", metavar="RULE|HSA-ID")
@format_option()
@click.pass_context
def explain(context: click.Context, what: str, form: str) -> Exit:
    """Explain a rule, or tell all that is known of a clinic."""
    from reconciler.model import canonical  # noqa: PLC0415
    from reconciler.rules import RULES  # noqa: PLC0415
    from reconciler.rules.shape import is_hsa_id  # noqa: PLC0415

    if what in RULES:
        say(form, "explain_rule", RULES[what])
        return Exit.DONE
    if is_hsa_id(canonical(what)):
        return _explain_clinic(context, canonical(what), form)
    from reconciler.rules.close import close  # noqa: PLC0415

    meant = close(what, RULES)
    hint = _("; did you mean {rule}?").format(rule=meant) if meant else ""
    raise click.BadParameter(
        _("{what} is neither a rule nor an HSA-id").format(what=what) + hint, param_hint="RULE|HSA-ID"
    )


def _explain_clinic(context: click.Context, hsa_id: HsaId, form: str) -> Exit:
    from reconciler import pipeline  # noqa: PLC0415
    from reconciler.report.excerpt import places_of  # noqa: PLC0415

    story = pipeline.explain_clinic(settings_of(context), now(), hsa_id)
    say(form, "explain_clinic", story, places=places_of(story.findings))
    return story.exit
