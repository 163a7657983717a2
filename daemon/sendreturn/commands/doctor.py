"""`sendreturn doctor`: what is in force and what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import click

from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.doctor import examine, keys_of
from sendreturn.findings import Finding
from sendreturn.net.local_daemon import LocalDaemon
from sendreturn.settings import describe


@click.command("doctor")
@click.pass_context
def doctor_command(ctx: click.Context) -> None:
    """Show every setting in force and where it comes from, and look for what is wrong.

    Changes nothing, and shows no secret. Exits 0 where all is well.
    """
    settings, here = settings_of(ctx), places()
    click.secho("In force", bold=True)
    for line in describe(settings, here, keys_of(settings)):
        click.echo(f"  {line.key} = {line.value}  ({line.source})")
    with running_daemon() as daemon:
        health = daemon.get("/health") if daemon else None
        click.secho("Findings", bold=True)
        findings = list(examine(settings, here, health, _ping(daemon) if daemon else None))
    for finding in findings:
        click.echo(f"  {_mark(finding)} {finding.topic}: {finding.what} {finding.remedy}".rstrip())
    wrong = sum(not finding.well for finding in findings)
    click.echo("All is well." if not wrong else f"{wrong} of {len(findings)} things need your attention.")
    if wrong:
        ctx.exit(1)


def _ping(daemon: LocalDaemon) -> Callable[[str], str | None]:
    def ping(daw: str) -> str | None:
        answer: str | None = daemon.post(f"/api/daws/{daw}/ping").get("answer")
        return answer

    return ping


def _mark(finding: Finding) -> str:
    return click.style("ok   ", fg="green") if finding.well else click.style("wrong", fg="red")
