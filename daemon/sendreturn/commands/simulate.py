"""`sendreturn simulate`: a music service on this machine, to rehearse with."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import click

from sendreturn.errors import SendReturnError
from sendreturn.signals import stop_asked

if TYPE_CHECKING:
    from sendreturn.testing.simulator import Simulator

LAST_PORT = 65_534


@click.command("simulate")
@click.argument("service", metavar="SERVICE")
@click.option(
    "--port",
    type=click.IntRange(0, LAST_PORT),
    default=0,
    help="Listen on this port, and on the next one for the results. Default: two free ones.",
)
@click.option("--set", "switches", multiple=True, metavar="SWITCH=VALUE", help="Turn a switch; may be repeated.")
@click.option("--switches", "show_switches", is_flag=True, help="Show the switches with their values, and end.")
@click.pass_context
def simulate_command(
    ctx: click.Context, service: str, port: int, switches: tuple[str, ...], show_switches: bool
) -> None:
    """Run a simulation of a music service until it is stopped (Ctrl-C).

    It speaks the service's language, counts credits that do not exist, and returns real audio that is made on this
    machine from the clip that it was sent. Switches bring out the service's quirks and faults.

    \b
    Examples:
      sendreturn simulate sonauto
      sendreturn simulate sunoapi --port 7400 --set seconds=20
      sendreturn simulate musicapi --switches
    """
    from sendreturn.commands.context import settings_of
    from sendreturn.testing.catalogue import simulator_of
    from sendreturn.testing.switches import read_switch

    simulator = simulator_of(service)(dict(map(read_switch, switches)), life=secrets.token_hex(4))
    if show_switches:
        _show(simulator)
        return
    key_variable = settings_of(ctx).service_settings(service).api_key_env or f"{service.upper()}_API_KEY"
    try:
        asyncio.run(_run(simulator, port, key_variable))
    except OSError as error:
        raise SendReturnError(
            f"Port {port} or {port + 1} cannot be used: {error.strerror}.", "Name another one with --port."
        ) from error
    spent = sum(line.credits for line in simulator.ledger)
    click.echo(f"\nStopped. {len(simulator.ledger)} entries in the ledger, {spent:g} credits that did not exist.")


async def _run(simulator: Simulator, port: int, key_variable: str) -> None:
    asked = stop_asked()
    async with simulator.running(port, port + 1 if port else 0) as address:
        click.echo(_told(simulator, address, key_variable))
        await asked.wait()


def _told(simulator: Simulator, address: str, key_variable: str) -> str:
    import yaml

    from sendreturn.services import load_manifests

    manifest = load_manifests()[simulator.name]
    settings = yaml.safe_dump(_configuration(simulator), sort_keys=False).rstrip()
    parts = [
        f"{manifest.title} is simulated at {address}. Ctrl-C stops it.",
        f"In your configuration:\n\n{_indented(settings)}",
        f"Where the daemon is started:\n\n    export {key_variable}={simulator.key}",
    ]
    if manifest.clip_as == "url" and not manifest.own_upload:
        hint = "    public_url: http://127.0.0.1:7374"
        parts.append(f"{manifest.title} fetches clips from an address, so the configuration also needs:\n\n{hint}")
    return "\n\n".join(parts)


def _configuration(simulator: Simulator) -> dict[str, object]:
    return {"service": simulator.name, "services": {simulator.name: {**simulator.settings, "poll_s": 1.0}}}


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _show(simulator: Simulator) -> None:
    for name, value in simulator.switches.items():
        click.echo(f"{name}={_text(value)}")


def _text(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value)
