"""`sendreturn services`: what each service can do, what it costs, and what is left on the account."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from typing import Any

import click

from sendreturn.commands.context import places, settings_of
from sendreturn.contract import Balance, TellsCredits
from sendreturn.errors import SendReturnError
from sendreturn.house import services_of
from sendreturn.sends.http_shapes import service_shape
from sendreturn.services import Services

PATIENCE_S = 15.0


@click.command("services")
@click.option("--json", "in_json", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def services_command(ctx: click.Context, in_json: bool) -> None:
    """Show the services: operations, limits, prices, and what is left where a key is set.

    \b
    Examples:
      sendreturn services
      sendreturn services --json
    """
    services = services_of(settings_of(ctx), places(), os.environ)
    left = asyncio.run(_ask_all(services))
    shapes = [{**service_shape(manifest), **left[name]} for name, manifest in services.manifests.items()]
    if in_json:
        click.echo(json.dumps({"services": shapes}, indent=2))
        return
    for shape in shapes:
        _show(shape)


async def _ask_all(services: Services) -> dict[str, dict[str, Any]]:
    """What is left at each service, or why that is not known; all are asked at once."""
    try:
        told = await asyncio.gather(*(_ask(services, name) for name in services.manifests))
    finally:
        await services.close()
    return dict(zip(services.manifests, told, strict=True))


async def _ask(services: Services, name: str) -> dict[str, Any]:
    manifest = services.manifest(name)
    if manifest.free:
        return {"credits_left": None}
    if await asyncio.to_thread(services.key, name) is None:
        return {"credits_left": None, "credits_trouble": f"no API key: `sendreturn key set {name}` keeps one"}
    if not manifest.tells_credits:
        return {"credits_left": None, "credits_trouble": f"{manifest.title} does not tell what is left"}
    bridge = services.bridge(name)
    assert isinstance(bridge, TellsCredits), "a manifest that says tells_credits has a balance"
    try:
        balance: Balance = await asyncio.wait_for(bridge.balance(), PATIENCE_S)
    except TimeoutError:
        return {"credits_left": None, "credits_trouble": f"{manifest.title} did not answer in time."}
    except SendReturnError as error:
        return {"credits_left": None, "credits_trouble": error.sentence}
    return {"credits_left": balance.credits, "credits_parts": dict(balance.parts)}


def _show(service: dict[str, Any]) -> None:
    click.secho(f"{service['name']} ({_money(service)})", bold=True)
    click.echo(f"  {service['about']}")
    if terms := _terms(service):
        click.echo(f"  {'; '.join(terms)}")
    for name, operation in service["operations"].items():
        click.echo(f"  {name}: {', '.join(_facts(service, name, operation))}")
    _show_list("limits", service["limits"])
    _show_list("service_options", [f"{name} — {meaning}" for name, meaning in service["service_options"].items()])


def _show_list(title: str, lines: Sequence[str]) -> None:
    for line in (f"  {title}:", *(f"    {line}" for line in lines)) if lines else ():
        click.echo(line)


def _terms(service: dict[str, Any]) -> list[str]:
    """How clips go there, how often it may be asked, and how long it keeps what it made."""
    if service["free"]:
        return []
    terms = [f"takes {', '.join(service['clip_formats'])}"]
    if service["requests"]:
        terms.append(f"at most {_counted(service['requests'], 'requests')} in {service['per_s']:g} s")
    if service["retention_h"]:
        terms.append(f"keeps results for {service['retention_h'] / 24:g} days")
    return terms


def _money(service: dict[str, Any]) -> str:
    if service["free"]:
        return "free"
    left, trouble = service["credits_left"], service.get("credits_trouble")
    known = f"; {left:g} left" if left is not None else f"; {trouble}" if trouble else ""
    return f"paid in {service['currency']}{known}"


def _price(operation: dict[str, Any], currency: str) -> str:
    price = _counted(operation["credits"], currency)
    if not operation["credits_estimated"]:
        return price if operation["credits"] else "no charge"
    return f"{price} (estimate)" if operation["credits"] else "price not published"


def _counted(number: float, things: str) -> str:
    return f"{number:g} {things.removesuffix('s') if number == 1 else things}"


def _made(name: str, makes: Sequence[str]) -> str:
    """Kinds of returns; the texts of an operation that makes no songs are hardly lyrics."""
    is_text = "mix" not in makes and "lyrics" not in name
    kinds = ["text" if kind == "lyrics" and is_text else kind for kind in makes]
    return " + ".join(kinds) or "a measurement"


def _facts(service: dict[str, Any], name: str, operation: dict[str, Any]) -> list[str]:
    facts = [f"makes {_made(name, operation['makes'])}"]
    if operation["takes"] > 1:
        facts.append(_counted(operation["takes"], "takes"))
    if not service["free"]:
        facts.append(_price(operation, service["currency"]))
    if operation["demands"]:
        facts.append(f"needs {' and '.join(operation['demands'])}")
    if operation["longest_clip_s"]:
        facts.append(f"clips up to {operation['longest_clip_s']:g} s")
    return facts
