"""`sendreturn services`: what each service can do."""

from __future__ import annotations

import json

import click

from sendreturn.sends.http_shapes import service_shape
from sendreturn.services import load_manifests


@click.command("services")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def services_command(as_json: bool) -> None:
    """Show the services, and which operations each can do."""
    shapes = [service_shape(manifest) for manifest in load_manifests().values()]
    if as_json:
        click.echo(json.dumps({"services": shapes}, indent=2))
        return
    for shape in shapes:
        price = "free" if shape["free"] else f"paid in {shape['currency']}"
        click.secho(f"{shape['name']} ({price})", bold=True)
        click.echo(f"  {shape['about']}")
        for name, operation in shape["operations"].items():
            needs = f", needs {', '.join(operation['demands'])}" if operation["demands"] else ""
            click.echo(f"  {name}: makes {', '.join(operation['makes']) or 'a measurement'}{needs}")
