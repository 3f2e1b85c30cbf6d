"""The command line of floe-complete."""

from __future__ import annotations

import sys
from pkgutil import resolve_name

import click

from floe_additions.imports import uncollected
from floe_complete.problems import WRONG_INPUT, RefusedError

COMMANDS = {
    "compile": "floe_complete.compiling:command",
    "health": "floe_complete.health:command",
    "plugins": "floe_complete.plugins:plugins",
    "schema": "floe_complete.schema:command",
    "validate": "floe_complete.validating:command",
}
"""Where each command is."""


class _OnDemand(click.Group):
    """Imports a command when it is typed: floe and its plugins take longer than a refusal may."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        with uncollected():
            found = resolve_name(COMMANDS[cmd_name]) if cmd_name in COMMANDS else None
        return found if isinstance(found, click.Command) else None


@click.group(cls=_OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="floe-additions")
def commands() -> None:
    """Complete floe: the commands its release names and does not have yet."""


def main() -> None:
    """Run a command; what is refused is told on standard error, with exit code 2 and no stack trace."""
    try:
        commands(prog_name="floe-complete")
    except RefusedError as refused:
        click.echo(f"{refused}\nnothing was written", err=True)
        sys.exit(WRONG_INPUT)


if __name__ == "__main__":
    main()
