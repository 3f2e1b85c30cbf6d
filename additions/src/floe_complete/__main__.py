"""The command line of floe-complete."""

from __future__ import annotations

import sys

import click

from floe_complete import compiling, health
from floe_complete.problems import WRONG_INPUT, RefusedError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="floe-additions")
def commands() -> None:
    """Complete floe: the commands its release names and does not have yet."""


commands.add_command(compiling.command)
commands.add_command(health.command)


def main() -> None:
    """Run a command; what is refused is told on standard error, with exit code 2 and no stack trace."""
    try:
        commands(prog_name="floe-complete")
    except RefusedError as refused:
        click.echo(f"{refused}\nnothing was written", err=True)
        sys.exit(WRONG_INPUT)


if __name__ == "__main__":
    main()
