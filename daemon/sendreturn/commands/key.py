"""`sendreturn key`: API keys in the operating system's keyring."""

from __future__ import annotations

import click

from sendreturn.errors import UsageError
from sendreturn.keys import remove_key, set_key
from sendreturn.services import load_manifests
from sendreturn.settings import shipped_defaults


@click.group("key")
def key_command() -> None:
    """Keep a service's API key in the operating system's keyring, or take it out."""


@key_command.command("set")
@click.argument("service")
def set_(service: str) -> None:
    """Ask for SERVICE's key and keep it. It is never shown, nor taken from the command line, which others can see."""
    _check(service)
    set_key(service, click.prompt(f"API key of {service}", hide_input=True))
    click.echo(f"The key of {service} is kept in the keyring.")


@key_command.command("remove")
@click.argument("service")
def remove(service: str) -> None:
    """Take SERVICE's key out of the keyring."""
    _check(service)
    click.echo(f"The key of {service} is removed." if remove_key(service) else f"There was no key of {service}.")


def _check(service: str) -> None:
    known = sorted({*load_manifests(), *shipped_defaults()["services"]})
    if service not in known:
        raise UsageError(f"There is no service {service!r}.", f"Known are {', '.join(known)}.")
