"""The command line (contract 6). Exit 0: done; 1: it failed; 2: it was asked for wrongly."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sendreturn import __version__
from sendreturn.errors import SendReturnError, SettingsError, UsageError

COMMANDS = {
    "run": "sendreturn.commands.run",
    "demo": "sendreturn.commands.demo",
    "watch": "sendreturn.commands.watch",
    "send": "sendreturn.commands.send",
    "list": "sendreturn.commands.sends",
    "show": "sendreturn.commands.sends",
    "cancel": "sendreturn.commands.sends",
    "retry": "sendreturn.commands.sends",
    "approve": "sendreturn.commands.sends",
    "services": "sendreturn.commands.services",
    "models": "sendreturn.commands.models",
    "key": "sendreturn.commands.key",
    "doctor": "sendreturn.commands.doctor",
}
"""Each command and the module that has it, imported only when it is called: the command line starts quickly."""


class Lazy(click.Group):
    """A group that imports a command when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[name]), f"{name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(_with_suggestion(error.message, args[0]), ctx) from None


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.version_option(__version__, prog_name="sendreturn")
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """The send/return loop between a DAW and AI music services.

    Drop a clip into a session's Sends folder, send OSC from the DAW, or use `send`; what comes back lies in the
    session's Returns folder.
    """
    ctx.obj = config


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script."""
    try:
        code = cli.main(args=arguments, prog_name="sendreturn", standalone_mode=False)
    except click.exceptions.Abort:
        code = 1
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SettingsError as error:
        _say(error)
        code = 2
    except UsageError as error:
        _say(error)
        code = 2
    except SendReturnError as error:
        _say(error)
        code = 1
    except KeyboardInterrupt:
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _say(error: SendReturnError) -> None:
    click.echo(f"sendreturn: {error.sentence}", err=True)
    for problem in getattr(error, "problems", ()):
        click.echo(f"  {problem}", err=True)


def _with_suggestion(message: str, name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    return f"{message} Did you mean {near[0]}?" if near else message


if __name__ == "__main__":
    main()
