"""The command that explains: a rule, an exit code, or a clinic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.shared import format_option, now, say, settings_of
from reconciler.findings import Exit
from reconciler.words import _

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reconciler.model import HsaId


WHAT = "RULE|CODE|HSA-ID"


def _complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer the rules, each with what it says, and the exit codes."""
    from click.shell_completion import CompletionItem

    from reconciler.report.exits import exit_page
    from reconciler.report.rule_page import page
    from reconciler.rules.registry import RULES

    about = {name: _(page(rule).reason.partition("\n")[0]) for name, rule in RULES.items()}
    about |= {str(int(code)): exit_page(code).meaning for code in sorted(Exit)}
    return [CompletionItem(name, help=text) for name, text in about.items() if name.startswith(begun)]


@click.command()
@click.argument("what", metavar=WHAT, shell_complete=_complete)
@format_option()
@click.pass_context
def explain(context: click.Context, what: str, form: str) -> Exit:
    """Explain a rule or an exit code, or tell all that is known of a clinic."""
    from reconciler.model import canonical
    from reconciler.rules.registry import RULES
    from reconciler.rules.shape import is_hsa_id

    if what in RULES:
        say(form, "explain_rule", RULES[what])
        return Exit.DONE
    if what.isascii() and what.isdigit() and int(what) in tuple(Exit):
        say(form, "explain_exit", Exit(int(what)))
        return Exit.DONE
    if is_hsa_id(canonical(what)):
        return _explain_clinic(context, canonical(what), form)
    from reconciler.rules.close import close

    meant = close(what, RULES)
    hint = _("; did you mean {rule}?").format(rule=meant) if meant else ""
    problem = _("{what} is neither a rule, an exit code nor an HSA-id").format(what=what)
    raise click.BadParameter(problem + hint, param_hint=_(WHAT))


def _explain_clinic(context: click.Context, hsa_id: HsaId, form: str) -> Exit:
    from reconciler import standing
    from reconciler.report.excerpt import places_of

    story = standing.explain_clinic(settings_of(context), now(), hsa_id)
    say(form, "explain_clinic", story, places=places_of(story.findings))
    return story.exit
