"""The commands and their options; what they do is in the files beside this one, imported when it is needed.

Nothing heavy is imported here: `interlets version` answers at once on the smallest machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from node.cli.answers import (
    SCHEME,
    founding_options,
    json_option,
    new_node_options,
    plainly,
    scheme_of,
    target_of,
)
from node.cli.answers import ask_node as _ask
from node.cli.answers import config_of as _config
from node.cli.answers import show as _show
from node.cli.backup import backup
from node.cli.bring_in import import_file, undo_import
from node.cli.ending import end
from node.cli.evidence import evidence
from node.cli.keys import keys
from node.cli.ledger import ledger
from node.cli.moving import moved
from node.cli.new_log import new_log
from node.cli.schemes import scheme
from node.cli.set_up import set_up
from node.cli.statement import compare, statement
from node.cli.verify import verify

VERSION_NAME: Final = "interlets"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file, interlets.toml.",
)
@click.option(
    "--scheme", default="", help="A scheme that this machine hosts beside its own, by its name there."
)
@click.pass_context
def cli(context: click.Context, config: Path | None, scheme: str) -> None:
    """The node of a local exchange scheme."""
    context.obj = config
    context.meta[SCHEME] = scheme


@cli.command()
def version() -> None:
    """Say which release this is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        click.echo(f"interlets {installed(VERSION_NAME)}")
    except PackageNotFoundError:
        click.echo("interlets, from its source folder")


@cli.command()
@click.option(
    "--scheme", required=True, help="The scheme's id, lets1…; it stands in its neighbours' lists, too."
)
@click.option("--from", "address", required=True, help="The address of a neighbour, https://hilltop.example.")
@click.option("--lan", is_flag=True, help="The neighbour's address is one of the own network.")
@click.option(
    "--words-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the words of the recovery sheet from here instead of asking.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the passphrase for the new root key from here instead of asking.",
)
@json_option
@click.pass_context
@plainly
def restore(
    context: click.Context, /, as_json: bool, scheme: str, address: str, lan: bool, words_file: Path | None,
    passphrase_file: Path | None,
) -> None:  # fmt: skip
    """Bring a scheme back on an empty disk, from its recovery sheet and the copy a neighbour keeps."""
    from node.cli.restore import restore_from

    restore_from(
        _config(context), scheme, address, lan=lan, as_json=as_json,
        words=None if words_file is None else words_file.read_text("utf-8"),
        passphrase=None if passphrase_file is None else passphrase_file.read_text("utf-8").strip(),
    )  # fmt: skip


@cli.command("go-on")
@click.pass_context
@plainly
def go_on(context: click.Context) -> None:
    """Let a node that waits for newer books of its own start with those it has.

    A neighbour keeps books that are newer than the database, and they cannot be had now. What was written since the
    backup is then missing, until it is entered again from the list under /admin/recovered.
    """
    from node.cli.restore import go_on_without

    click.echo(go_on_without(_config(context)))


@cli.command()
@founding_options
@new_node_options
@json_option
@click.pass_context
@plainly
def init(context: click.Context, /, as_json: bool, passphrase_file: Path | None, **answers: Any) -> None:
    """Make a new scheme: configuration, keys, recovery sheet, and the first organiser."""
    from node.cli.init import ask_rest, found, show

    target = target_of(context)
    passphrase = None if passphrase_file is None else passphrase_file.read_text("utf-8").strip()
    made = found(target, ask_rest(answers, passphrase), as_json=as_json)
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
    else:
        show(made)


def _without_rich() -> None:
    """Import structlog without `rich`, which it takes wherever it finds it, to draw errors in colour.

    Our logs are lines without colours, and drawing it would be a fiftieth of the start.
    """
    import sys

    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # how a module is said not to be there
    import structlog  # noqa: F401 - imported for its imports

    del sys.modules["rich"]


@cli.command()
@click.pass_context
@plainly
def serve(context: click.Context) -> None:
    """Run the node."""
    import gc

    # Nothing made by importing is garbage: looking for it would be an eighth of the start. On again when serving.
    gc.disable()
    _without_rich()
    from node.serving import serve_forever

    serve_forever(_config(context))


@cli.command()
@click.pass_context
@plainly
def healthcheck(context: click.Context) -> None:
    """Ask the node on this machine whether it is ready; for containers. Ends with 1 if it is not."""
    from node.cli.health import ask_ready

    click.echo(ask_ready(_config(context)))


@cli.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look for what is wrong, and say how to mend it. Ends with 1 if something is."""
    from node.cli.doctor import examine, show
    from node.findings import is_well

    findings = examine(context.obj, scheme_of(context))
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in findings], ensure_ascii=False))
    else:
        show(findings)
    context.exit(0 if is_well(findings) else 1)


@cli.group()
def member() -> None:
    """Members of the scheme."""


@member.command("add")
@click.argument("name")
@click.option("--email", default=None)
@click.option("--phone", default="")
@click.option("--address", default="", help="For letters.")
@click.option("--place", default="")
@click.option(
    "--role",
    type=click.Choice(["member", "broker", "treasurer", "auditor", "organiser", "admin"]),
    default="member",
    show_default=True,
)
@click.option("--pin", default=None, help="A PIN of six digits or more, for signing in without mail.")
@json_option
@click.pass_context
@plainly
def member_add(context: click.Context, /, as_json: bool, **person: Any) -> None:
    """Enter a member: an account, a number, a one-time link for signing in."""
    answer = _ask(context, "member-add", **person)
    _show(
        answer,
        as_json,
        f"{answer['name']} is member {answer['number']}.",
        f"To sign in once: {answer['link']}",
    )


@cli.command()
@click.argument("switch", type=click.Choice(["on", "off", "status"]), default="status")
@click.option("--say", default="", help="What members are told besides, as: Back at eight.")
@json_option
@click.pass_context
@plainly
def maintenance(context: click.Context, switch: str, say: str, as_json: bool) -> None:
    """Let nothing new be recorded while you work on the node. Pages stay readable, neighbours are answered."""
    answer = _ask(context, "maintenance", on={"on": True, "off": False}.get(switch), note=say.strip())
    said = "on: members can read, and record and change nothing" if answer["on"] else "off"
    _show(answer, as_json, f"Maintenance is {said}.", *([answer["note"]] if answer["note"] else []))


@cli.group()
def user() -> None:
    """Signing in."""


@user.command("link")
@click.argument("name")
@json_option
@click.pass_context
@plainly
def user_link(context: click.Context, as_json: bool, name: str) -> None:
    """Print a one-time sign-in link for the member with this NAME, number or e-mail address."""
    answer = _ask(context, "user-link", name=name)
    _show(answer, as_json, f"{answer['name']} ({answer['number']}), once, within a day:", str(answer["link"]))


@user.command("without-step")
@click.argument("name")
@json_option
@click.pass_context
@plainly
def user_without_step(context: click.Context, as_json: bool, name: str) -> None:
    """Let the member with this NAME, number or e-mail address log in without the second step they lost."""
    answer = _ask(context, "user-without-step", name=name)
    _show(answer, as_json, f"{answer['name']} ({answer['number']}) logs in without a second step now.")


@cli.group()
def peer() -> None:
    """Other schemes' nodes."""


@peer.command("add")
@click.argument("address")
@click.option("--lan", is_flag=True, help="It lies in the own network.")
@json_option
@click.pass_context
@plainly
def peer_add(context: click.Context, as_json: bool, address: str, lan: bool) -> None:
    """Introduce the node at ADDRESS. Trade begins only when organisers of both schemes have agreed."""
    answer = _ask(context, "peer-add", address=address, lan=lan)
    _show(
        answer,
        as_json,
        f"{answer['name']} ({answer['scheme']}) is known now.",
        f"Its six words, to compare by telephone: {' '.join(answer['words'])}",
        "To trade, agree on limits: page Neighbours, at both schemes.",
    )


@peer.command("list")
@json_option
@click.pass_context
@plainly
def peer_list(context: click.Context, as_json: bool) -> None:
    """List the nodes known by address."""
    answer = _ask(context, "peer-list")
    lines = [
        f"{each['name']}  {each['address']}  {each['state']}  {each['scheme']}" for each in answer["peers"]
    ]
    _show(
        answer, as_json, *(lines or ["No other node is known. “interlets peer add ADDRESS” introduces one."])
    )


cli.add_command(backup)
cli.add_command(import_file)
cli.add_command(undo_import)
cli.add_command(evidence)
peer.add_command(statement)
peer.add_command(compare)
cli.add_command(keys)
cli.add_command(moved)
cli.add_command(end)
cli.add_command(ledger)
ledger.add_command(new_log)
cli.add_command(scheme)
cli.add_command(set_up)
cli.add_command(verify)
