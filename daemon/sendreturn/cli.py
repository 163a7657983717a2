"""The command line (contract 6). Exit 0: done; 1: it failed; 2: it was asked for wrongly."""

from __future__ import annotations

import importlib
import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from sendreturn import __version__
from sendreturn.commands.group import Group
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.keys import redact, secrets_in
from sendreturn.terminal import printable
from sendreturn.unsigned import unsigned

COMMANDS = {
    "run": ("run", "Run the daemon until it is stopped."),
    "demo": ("demo", "See the whole loop on a small session of its own."),
    "watch": ("watch", "Give a session its hot folders, and watch it."),
    "send": ("send", "Send a clip."),
    "list": ("sends", "List the sends."),
    "show": ("sends", "Show a send with its history and returns."),
    "cancel": ("sends", "Cancel a send."),
    "retry": ("sends", "Try a send once more."),
    "approve": ("sends", "Let a send go out that waits for your word."),
    "services": ("services", "Show the services and what each can do."),
    "simulate": ("simulate", "Run a simulated service, to rehearse without spending."),
    "models": ("models", "List, install or remove model weights."),
    "bridge": ("bridge", "Install the part that lives inside a DAW."),
    "key": ("key", "Keep a service's API key in the keyring."),
    "doctor": ("doctor", "Show what is in force and what is wrong."),
}
"""Each command with its module and what it does; a module is imported only when its command is called."""


CONFIG = "--config"


def _take(ctx: click.Context, _param: click.Parameter, config: Path | None) -> None:
    if config is not None:
        ctx.obj = config


class Lazy(Group):
    """A group that imports a command when it is wanted, so that the command line starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"sendreturn.commands.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, f"{name}_command")
        return _with_config(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


def _with_config(command: click.Command) -> click.Command:
    """The command, which takes --config too: nobody remembers that it belongs before the command."""
    if not any(CONFIG in param.opts for param in command.params):
        kind, about = click.Path(path_type=Path), "As before the command."
        option = click.Option([CONFIG], type=kind, help=about, hidden=True, expose_value=False, callback=_take)
        command.params.append(option)
    return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    CONFIG,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration file. Default: $SENDRETURN_CONFIG, else sendreturn.yaml in your config folder.",
)
@click.version_option(__version__, prog_name="sendreturn")
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """The send/return loop between a DAW and AI music services.

    Drop a clip into a session's Sends folder, send OSC from the DAW, or use `send`; what comes back lies in the
    session's Returns folder.

    \b
    To begin:
      sendreturn demo                     hear what it does; needs nothing
      sendreturn watch "~/Music/My Song"  give a session its hot folders
      sendreturn run                      run the daemon
    """
    ctx.obj = config


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script."""
    _take_any_text()
    try:
        code = cli.main(args=arguments, prog_name="sendreturn", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SendReturnError as error:
        _say(error)
        code = 2 if isinstance(error, UsageError) else 1
    except click.Abort:
        code = 1
    except Exception:
        _tell_broken()
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _take_any_text() -> None:
    """Names of files may hold what the terminal's encoding lacks; it is shown as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(error: SendReturnError) -> None:
    click.echo(f"sendreturn: {printable(error.sentence)}", err=True)
    for problem in getattr(error, "problems", ()):
        click.echo(f"  {printable(problem)}", err=True)


def _tell_broken() -> None:
    """The traceback of what should not have happened, for a report, without anything secret in it."""
    told = unsigned(redact(traceback.format_exc(), secrets_in()))
    click.echo(f"{told}sendreturn: Something is wrong inside sendreturn.", err=True)


if __name__ == "__main__":
    main()
