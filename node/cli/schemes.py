"""`interlets scheme`: further schemes in the same process, each a whole node's folder of its own. Source: decision 63; docs/operating.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.answers import config_of_house, founding_options, json_option, plainly, scheme_of, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.config import Config
    from node.hosting.roster import Hosted

folder_option = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False),
    help="Where it is to be, or is already; otherwise in a folder of all of them beside the data folder of this machine's own.",
)  # fmt: skip


@click.group()
def scheme() -> None:
    """Schemes that this machine hosts beside its own, in the same process."""


@scheme.command("add")
@click.argument("called", metavar="NAME")
@click.option("--host", required=True, help="At which host its members find it, as acorns.example.")
@folder_option
@click.option("--lan", is_flag=True, help="Allow it neighbours with addresses of the own network.")
@founding_options
@json_option
@click.pass_context
@plainly
def add(
    context: click.Context, /, called: str, host: str, folder: Path | None, lan: bool, as_json: bool, passphrase_file: Path | None,
    **answers: Any,
) -> None:  # fmt: skip
    """Make a further scheme called NAME in commands, and serve it at its own host. A folder with a whole scheme is taken as it is."""
    from node.cli.admin import CannotDo
    from node.cli.hosted import ask_house, must_be_well, read_states
    from node.cli.init import ask_rest, found
    from node.hosting.roster import read_roster, write_roster

    house = _house(context)
    hosted = _new(house, called, host, folder)
    made: Mapping[str, Any] = {}
    if hosted.config_file.exists():
        _must_be_whole(hosted)
    else:
        answers |= {
            "data_dir": hosted.folder / "data", "host": house.node.listen_host, "port": house.node.listen_port,
            "public_address": hosted.address, "lan": lan,
        }  # fmt: skip
        passphrase = None if passphrase_file is None else passphrase_file.read_text("utf-8").strip()
        made = found(
            hosted.config_file, _as_guest(house, ask_rest(answers, passphrase), hosted), as_json=as_json
        )
    try:
        write_roster(house.node.data_dir, (*read_roster(house.node.data_dir), hosted))
    except CannotDo as error:
        raise CannotDo(
            f"{error}. The scheme itself is whole, in {hosted.folder}: “interlets scheme add” with --folder takes it"
        ) from None
    answer = ask_house(house, "look-again")
    states = read_states(house, answer)
    must_be_well(states, called)
    served = (
        f"{called} is served now at {hosted.address}, without a restart."
        if answer
        else "Start it: interlets serve"
    )
    show(
        {**made, "folder": str(hosted.folder), "address": hosted.address, "restart": False, "state": states[called].state}, as_json,
        *_made_lines(made), f"Its folder: {hosted.folder}", served,
        f"Let {host} lead to this machine, and its web server pass it on with the Host header unchanged.",
        f"This machine's own scheme is now found at {house.node.origin} only.",
    )  # fmt: skip


@scheme.command("list")
@json_option
@click.pass_context
@plainly
def list_(context: click.Context, as_json: bool) -> None:
    """Show what is hosted, where, and whether it runs."""
    from node.cli.hosted import read_states
    from node.hosting.roster import read_roster

    house = _house(context)
    states = read_states(house)
    rows, lines = [], []
    for each in read_roster(house.node.data_dir):
        state, why = states[each.name]
        rows.append(
            {
                "name": each.name,
                "address": each.address,
                "folder": str(each.folder),
                "state": state,
                "why": why,
            }
        )
        lines.append(f"{each.name}  {each.address}  {state}  {each.folder}")
        if why:
            lines.append(f"  {why}")
    show({"schemes": rows}, as_json, *(lines or ["None. “interlets scheme add” makes one."]))


@scheme.command("remove")
@click.argument("name")
@json_option
@click.pass_context
@plainly
def remove(context: click.Context, as_json: bool, name: str) -> None:
    """Take the scheme called NAME off this machine's process. Nothing of it is deleted."""
    from node.cli.hosted import ask_house
    from node.hosting.roster import find_hosted, read_roster, write_roster

    house = _house(context)
    hosted = find_hosted(house.node.data_dir, name)
    write_roster(
        house.node.data_dir, [each for each in read_roster(house.node.data_dir) if each.name != name]
    )
    ask_house(house, "look-again")
    show(
        {"removed": name, "folder": str(hosted.folder), "restart": False}, as_json,
        f"{name} is not served here any more, without a restart. Nothing was deleted: all of it is in {hosted.folder}.",
        f"Serve it alone, with a listen_port of its own in its file: interlets --config {hosted.config_file} serve",
        f"Or host it again: interlets scheme add {name} --host {_host_of(hosted)} --folder {hosted.folder}",
    )  # fmt: skip


@scheme.command("pause")
@click.argument("name")
@json_option
@click.pass_context
@plainly
def pause(context: click.Context, as_json: bool, name: str) -> None:
    """Let the scheme called NAME rest, so that its folder is free for what needs its node stopped. The others serve on."""
    from node.cli.admin import CannotDo
    from node.cli.hosted import ask_house
    from node.hosting.roster import find_hosted

    house = _house(context)
    hosted = find_hosted(house.node.data_dir, name)
    if ask_house(house, "pause", name=name) is None:
        raise CannotDo(f"nothing runs here: the folder of {name} is free")
    show(
        {"paused": name, "folder": str(hosted.folder)}, as_json,
        f"{name} rests; whoever asks for it is told to come again. Now what needs it stopped, as: interlets --scheme {name} keys rotate",
        f"Then: interlets scheme resume {name}. (So does a restart of the process.)",
    )  # fmt: skip


@scheme.command("resume")
@click.argument("name")
@json_option
@click.pass_context
@plainly
def resume(context: click.Context, as_json: bool, name: str) -> None:
    """Let the scheme called NAME go on, after “pause” or a change of its configuration."""
    from node.cli.admin import CannotDo
    from node.cli.hosted import ask_house, must_be_well, read_states
    from node.hosting.roster import find_hosted

    house = _house(context)
    find_hosted(house.node.data_dir, name)
    answer = ask_house(house, "look-again", again=name)
    if answer is None:
        raise CannotDo("nothing runs here. Start it: interlets serve")
    states = read_states(house, answer)
    must_be_well(states, name)
    show({"resumed": name, "state": states[name].state}, as_json, f"{name} is served again.")


@scheme.command("move-out")
@click.argument("name")
@click.argument("address", required=False)
@click.option(
    "--to",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Put the backup that moves into this folder.",
)
@click.option("--undo", is_flag=True, help="It stays here after all: no copy was started anywhere else.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
@plainly
def move_out(
    context: click.Context, /, name: str, address: str | None, to: Path | None, undo: bool, yes: bool, as_json: bool
) -> None:  # fmt: skip
    """Let the scheme called NAME go on at ADDRESS, on a machine of its own, as the same scheme.

    It ends here, its folder is put out of use, and the backup that moves is made; its old host shows where it went from then on.
    """
    from node.cli.admin import CannotDo
    from node.cli.moving_out import come_back, go

    house = _house(context)
    if undo != (address is None) or undo != (to is None):
        raise CannotDo(
            "say where to, like https://acorns.example, and with --to where its backup is put; or “--undo”"
        )
    if address is None or to is None:
        if not yes:
            click.confirm("Was really no copy of it ever started elsewhere?", abort=True, err=as_json)
        come_back(house, name)
        show({"moved": None}, as_json, f"{name} is here as before.")
        return
    file, went = go(house, name, address, to)
    show(
        {"moved": went.address, "file": str(file), "restart": False}, as_json,
        f"{name} writes nothing here any more, and its old host shows {went.address}.",
        f"{file} holds all of it: members, books, keys, and who it is. On its own machine, with the 24 words of its recovery sheet:",
        f"  write its interlets.toml, with public_address = \"{went.address}\"",
        "  interlets backup restore FILE",
        "  interlets serve",
        "Neighbours learn the new address by themselves. When it runs there, “interlets scheme remove” ends the page here.",
    )  # fmt: skip


# --- What a new one is -------------------------------------------------------------------------------------------


def _house(context: click.Context) -> Config:
    from node.cli.admin import CannotDo

    if scheme_of(context):
        raise CannotDo("“interlets scheme” names the scheme behind the command, not with --scheme")
    return config_of_house(context)


def _new(house: Config, name: str, host: str, folder: Path | None) -> Hosted:
    """Return what a scheme of this name will be. Raises CannotDo: there is no room for it beside the others."""
    from node.cli.admin import CannotDo
    from node.hosting.hosts import names_of, typed_host
    from node.hosting.roster import Hosted, check_roster, names_of_config, read_roster
    from protocol.errors import InvalidValue

    own = house.node.origin
    try:
        typed = typed_host(host)
        secure = own.startswith("https://")
        plain = not secure and ":" not in typed
        address = f"{'https' if secure else 'http'}://{typed}" + (
            f":{house.node.listen_port}" if plain else ""
        )
        if names_of(address) & names_of_config(house):
            raise CannotDo(f"{host} is where this machine's own scheme is found")
    except (InvalidValue, ValueError) as error:
        raise CannotDo(f"--host {host} is no host, as acorns.example: {error}") from None
    where = (
        (house.node.data_dir.with_name(f"{house.node.data_dir.name}-schemes") / name)
        if folder is None
        else folder.expanduser().absolute()
    )
    hosted = Hosted(name=name, address=address, folder=where)
    check_roster((*read_roster(house.node.data_dir), hosted))
    if where.is_relative_to(house.node.data_dir) or house.node.data_dir.is_relative_to(where):
        raise CannotDo(
            f"{where} is one with the data folder of this machine's own scheme: choose another with --folder"
        )
    return hosted


def _must_be_whole(hosted: Hosted) -> None:
    """Raise CannotDo, ConfigError, KeysUnusable: what is in the folder cannot be served."""
    from node.cli.admin import CannotDo, is_running
    from node.hosting.roster import config_of_hosted
    from node.keyfiles import open_keys
    from node.moved import must_be_here

    config = config_of_hosted(hosted)
    must_be_here(config.node.data_dir)
    if is_running(config.node.data_dir):
        raise CannotDo("a node of its own is running on that folder: stop it first")
    open_keys(config.node.data_dir)


def _as_guest(house: Config, answers: Any, hosted: Hosted) -> Any:
    """Return the answers with what the house has for all: web server, and where backups go."""
    from dataclasses import replace

    folder = house.backup.folder
    return replace(
        answers, backup_folder=None if folder is None else folder / hosted.name, behind_proxy=house.node.behind_proxy,
        proxies=house.node.proxies, portable=True,
    )  # fmt: skip


def _host_of(hosted: Hosted) -> str:
    return hosted.address.partition("://")[2]


def _made_lines(made: Mapping[str, Any]) -> list[str]:
    if not made:
        return []
    return [
        f"{made['name']} is ready. Its id: {made['scheme']}",
        f"{made['organiser']} ({made['number']}) signs in once, within a day:",
        str(made["link"]),
    ]
