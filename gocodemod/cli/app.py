"""The commands and their flags, as typer wants them."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

import gocodemod
from gocodemod.cli.options import ApplyOptions, BranchOptions, Options, PrOptions

app = typer.Typer(
    help="Rewrite concurrency and timing anti-patterns in Go code; each fix is type-checked before anyone sees it.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gocodemod {gocodemod.__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _call(command: str, ctx: typer.Context, *arguments: Any) -> int:
    """Run ``gocodemod.cli.COMMAND.run``: modules of commands are loaded when they are called."""
    code: int = importlib.import_module(f"gocodemod.cli.{command}").run(ctx.obj, *arguments)
    return code


def _command(name: str, options: type[Options], module: str, help_text: str) -> None:
    """Register a command whose flags are the fields of a dataclass."""

    def command(ctx: typer.Context, **flags: Any) -> int:
        return _call(module, ctx, options(**flags))

    hints = get_type_hints(options, include_extras=True)
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(options)
    ]
    typed: Callable[..., int] = command
    typed.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    typed.__annotations__ = {"ctx": typer.Context, **hints}
    app.command(name, help=help_text)(typed)


@app.command("list", help="The transforms there are.")
def _list(
    ctx: typer.Context,
    transform_file: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Load one more transform from this Python file.")
    ] = None,
) -> int:
    return _call("list_", ctx, tuple(transform_file or ()))


@app.command("explain", help="What a transform does, or what a reason means.")
def _explain(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A transform, or the reason of an outcome.")],
    transform_file: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Load one more transform from this Python file.")
    ] = None,
) -> int:
    return _call("explain", ctx, name, tuple(transform_file or ()))


_command("scan", Options, "scan", "List every site with what would become of it.")
_command("diff", Options, "diff", "Print the verified changes as a unified diff; writes nothing.")
_command("apply", ApplyOptions, "apply", "Write the verified changes, each file atomically.")
_command("branch", BranchOptions, "branch", "Make one branch and commit for each change; the work tree stays as it is.")
_command("pr", PrOptions, "pr", "Push a branch for each change and open, update or close its pull request.")
