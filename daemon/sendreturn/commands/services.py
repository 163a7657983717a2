"""`sendreturn services`: what each service can do."""

from __future__ import annotations

import json
from typing import Any

import click

from sendreturn.sends.http_shapes import service_shape
from sendreturn.services import load_manifests


@click.command("services")
@click.option("--json", "in_json", is_flag=True, help="As JSON, for scripts.")
def services_command(in_json: bool) -> None:
    """Show the services, and which operations each can do.

    \b
    Examples:
      sendreturn services
      sendreturn services --json
    """
    shapes = [service_shape(manifest) for manifest in load_manifests().values()]
    if in_json:
        click.echo(json.dumps({"services": shapes}, indent=2))
        return
    for shape in shapes:
        _show(shape)


def _show(service: dict[str, Any]) -> None:
    price = "free" if service["free"] else f"paid in {service['currency']}"
    click.secho(f"{service['name']} ({price})", bold=True)
    click.echo(f"  {service['about']}")
    for name, operation in service["operations"].items():
        needs = f", needs {', '.join(operation['demands'])}" if operation["demands"] else ""
        click.echo(f"  {name}: makes {', '.join(operation['makes']) or 'a measurement'}{needs}")
