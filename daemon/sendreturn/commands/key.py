"""`sendreturn key`: API keys in the operating system's keyring."""

from __future__ import annotations

import sys

import click

from sendreturn.commands.group import Group
from sendreturn.errors import UsageError
from sendreturn.keys import remove_key, set_key


@click.group("key", cls=Group)
def key_command() -> None:
    """Keep a service's API key in the operating system's keyring, or take it out.

    A key in the environment variable that the service's `api_key_env` names goes before it.
    """


@key_command.command("set")
@click.argument("service")
def set_(service: str) -> None:
    """Ask for SERVICE's key and keep it.

    The key is not shown while it is typed, and is not taken from the command line, which other programs can see. It
    may also come by a pipe.

    \b
    Examples:
      sendreturn key set sonauto
      pass show sonauto | sendreturn key set sonauto
    """
    _check(service)
    key = click.prompt(f"API key of {service}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    set_key(service, key)
    click.echo(f"The key of {service} is kept in the keyring.")


@key_command.command("remove")
@click.argument("service")
def remove(service: str) -> None:
    """Take SERVICE's key out of the keyring.

    \b
    Example:
      sendreturn key remove sonauto
    """
    _check(service)
    click.echo(f"The key of {service} is removed." if remove_key(service) else f"There was no key of {service}.")


def _check(service: str) -> None:
    from sendreturn.services import load_manifests
    from sendreturn.settings import shipped_defaults

    known = sorted({*load_manifests(), *shipped_defaults()["services"]})
    if service not in known:
        raise UsageError(f"There is no service {service!r}.", f"Known are {', '.join(known)}.")
