"""The configuration: one TOML file, overridden key by key by the environment. Source: docs/operating.md.

An unknown key or an unknown INTERLETS_ name is an error, so that a slip of the pen is seen at once. What
organisers change in the browser (limits, the rate …) is only seeded from here; see `services/settings.py`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from node.proxies import LOOPBACK, Proxies
from node.services.settings import MINUTES_OF_AN_HOUR, SchemeSettings
from node.web.languages import known_language
from protocol.descriptor import parse_address
from protocol.errors import InvalidValue
from protocol.limits import (
    ADDRESS_BYTES_MAX,
    AMOUNT_MAX,
    DESCRIPTOR_ADDRESSES_MAX,
    DESCRIPTOR_NAME_BYTES_MAX,
    RATE_MINOR_PER_HOUR_MAX,
    UNIT_NAME_BYTES_MAX,
)

PREFIX: Final = "INTERLETS_"
SEPARATOR: Final = "__"
# Names that are no settings: the file itself, the point at which a test kills the node, and tests' own.
OTHER_NAMES: Final = ("INTERLETS_CONFIG", "INTERLETS_CRASH_AT")
TEST_PREFIX: Final = "INTERLETS_TEST_"
DEFAULT_FILES: Final = (Path("interlets.toml"), Path("/etc/interlets/node.toml"))
SECRET_FILE_BYTES_MAX: Final = 4096


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says why, one plain sentence each."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems: Final = problems


def _split(value: object) -> object:
    """Let the environment write a list as a, b, c."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Section(BaseModel):
    """A part of the file; nothing in it goes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Scheme(Section):
    """[scheme]: seeds what organisers change in the browser later."""

    name: str = Field(min_length=1, max_length=DESCRIPTOR_NAME_BYTES_MAX // 2)
    place: str = Field(default="", max_length=80)
    unit: Literal["hours", "decimal"] = "hours"
    unit_name: str = Field(default="", max_length=UNIT_NAME_BYTES_MAX // 2)
    unit_symbol: str = Field(default="", max_length=16)
    decimals: int = Field(default=2, ge=0, le=3)
    rate: int | None = Field(default=None, ge=1, le=RATE_MINOR_PER_HOUR_MAX)
    wording: Literal["lets", "timebank", "plain"] = "lets"
    languages: Names = ("en",)
    credit_limit: int | None = Field(default=None, ge=0, le=AMOUNT_MAX)
    ceiling: int | None = Field(default=None, ge=0, le=AMOUNT_MAX)

    @model_validator(mode="after")
    def _fits(self) -> Scheme:
        if self.unit == "decimal" and (not self.unit_name or self.rate is None):
            raise ValueError(
                "a unit of your own needs unit_name and rate (how many of its smallest part are an hour)"
            )
        if self.unit == "hours" and self.rate not in (None, MINUTES_OF_AN_HOUR):
            raise ValueError("where hours are counted, one hour is 60 minutes: leave rate out")
        if not self.languages:
            raise ValueError("languages names at least one")
        if unknown := [tag for tag in self.languages if not known_language(tag)]:
            raise ValueError(f"languages are named like de or pt-BR, not {', '.join(unknown)}")
        return self

    def seed(self, node: Node) -> SchemeSettings:
        """Return the settings a new node starts with."""
        rate = self.rate or MINUTES_OF_AN_HOUR
        return SchemeSettings(
            name=self.name,
            place=self.place,
            language=self.languages[0],
            languages=self.languages,
            wording=self.wording,
            unit_kind=self.unit,
            unit_name=self.unit_name,
            unit_symbol=self.unit_symbol or (self.unit_name if self.unit == "decimal" else "h"),
            decimals=self.decimals if self.unit == "decimal" else 0,
            minor_per_hour=rate,
            # Ten hours below zero, which is what many schemes begin with.
            credit_limit=10 * rate if self.credit_limit is None else self.credit_limit,
            ceiling=self.ceiling,
            help_name=node.help_name,
            help_phone=node.help_phone,
            help_hours=node.help_hours,
        )


class Node(Section):
    """[node]: where it keeps its data and where it is found."""

    data_dir: Path
    listen_host: str = "127.0.0.1"
    listen_port: int = Field(default=8480, ge=1, le=65_535)
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    public_address: str = Field(default="", max_length=ADDRESS_BYTES_MAX)
    behind_proxy: bool = False
    proxies: Names = LOOPBACK
    help_name: str = Field(default="", max_length=80)
    help_phone: str = Field(default="", max_length=40)
    help_hours: str = Field(default="", max_length=80)

    @field_validator("public_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        address = value.rstrip("/").lower()
        if address:
            try:
                parse_address(address)
            except InvalidValue as error:
                raise ValueError(str(error)) from None
        return address

    @field_validator("proxies")
    @classmethod
    def _are_ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Proxies(value)
        return value

    def believed(self) -> Proxies:
        """Return the web servers that are believed about where requests come from."""
        return Proxies(self.proxies if self.behind_proxy else ())

    @property
    def origin(self) -> str:
        """The address members type."""
        return self.public_address or f"http://{self.listen_host}:{self.listen_port}"


class Federation(Section):
    """[federation]: how other nodes are found and how many there may be."""

    lan_discovery: bool = False
    allow_lan_addresses: bool = False
    neighbours_max: int = Field(default=12, ge=0, le=256)
    addresses: Names = ()

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > DESCRIPTOR_ADDRESSES_MAX:
            raise ValueError(f"at most {DESCRIPTOR_ADDRESSES_MAX} addresses")
        for address in value:
            try:
                parse_address(address)
            except InvalidValue as error:
                raise ValueError(f"{address}: {error}") from None
        return value


class Mail(Section):
    """[mail]: the server that sends; without a host mail stays in the outbox."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""

    @model_validator(mode="after")
    def _has_sender(self) -> Mail:
        if self.host and "@" not in self.sender:
            raise ValueError("sender is the address that mail comes from; give one")
        return self


class Backup(Section):
    """[backup]: where backups go by themselves, and how many stay; without a folder there are none."""

    folder: Path | None = None
    daily: int = Field(default=7, ge=1, le=366)
    weekly: int = Field(default=4, ge=0, le=520)
    monthly: int = Field(default=12, ge=0, le=1200)

    @field_validator("folder", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if value == "" else value


class Log(Section):
    """[log]: what is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["text", "json"] = "text"


class Config(Section):
    """The whole file."""

    scheme: Scheme
    node: Node
    federation: Federation = Federation()
    mail: Mail = Mail()
    log: Log = Log()
    backup: Backup = Backup()
    file: Path | None = Field(default=None, exclude=True)  # where it was read from


_SECTIONS: Final[Mapping[str, type[Section]]] = {
    "scheme": Scheme, "node": Node, "federation": Federation, "mail": Mail, "log": Log, "backup": Backup,
}  # fmt: skip
# Settings that may come from a file of their own, named by the variable with _FILE behind it.
SECRETS: Final = ("mail.password",)


def find_file(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the configuration file: the one given, the one INTERLETS_CONFIG names, or the first that exists.

    Raises:
        ConfigError: there is none.
    """
    if given is None and environment.get("INTERLETS_CONFIG"):
        given = Path(environment["INTERLETS_CONFIG"])
    if given is not None:
        return given
    for path in DEFAULT_FILES:
        if path.exists():
            return path
    raise ConfigError(
        [f"no configuration: looked for {' and '.join(map(str, DEFAULT_FILES))}; “interlets init” writes one"]
    )


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration in `path`, with what the environment overrides.

    Raises:
        ConfigError: it cannot be read, or says something this release does not know or take.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path} is not written as TOML: {error}"]) from None
    problems = [*_unknown_in_file(data), *_override(data, environment)]
    if problems:
        raise ConfigError(problems)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_in_plain_words(one) for one in error.errors()]) from None
    node, backup = config.node, config.backup
    node = node.model_copy(update={"data_dir": _beside(path, node.data_dir)})
    if backup.folder is not None:
        backup = backup.model_copy(update={"folder": _beside(path, backup.folder)})
    return config.model_copy(update={"node": node, "backup": backup, "file": path.absolute()})


def _beside(path: Path, folder: Path) -> Path:
    """Return where a folder is: one named without a root lies beside the file, wherever the command is started from."""
    return (path.parent / folder.expanduser()).absolute()


def _unknown_in_file(data: Mapping[str, Any]) -> Iterator[str]:
    for name, section in data.items():
        if name not in _SECTIONS:
            yield f"unknown section [{name}]{_nearest(name, _SECTIONS, '[{}]')}"
        elif not isinstance(section, dict):
            yield f"{name} is a section: write [{name}] and its keys below"
        else:
            known = _SECTIONS[name].model_fields
            for key in section:
                if key not in known:
                    yield f"unknown key {key} in [{name}]{_nearest(key, known)}"


def _override(data: dict[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """Write what the environment says into `data`; yield what it says wrongly."""
    known = {
        PREFIX + (section + SEPARATOR + key).upper(): (section, key)
        for section, model in _SECTIONS.items()
        for key in model.model_fields
    }
    files = {PREFIX + name.replace(".", SEPARATOR).upper() + "_FILE": name.split(".") for name in SECRETS}
    for variable, value in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX) or variable in OTHER_NAMES:
            continue
        if variable in known:
            section, key = known[variable]
        elif variable in files:
            section, key = files[variable]
            try:
                value = Path(value).read_text("utf-8")[:SECRET_FILE_BYTES_MAX].strip()
            except (OSError, UnicodeDecodeError) as error:
                yield f"{variable}: {value} cannot be read: {error}"
                continue
        else:
            yield f"unknown variable {variable}{_nearest(variable, [*known, *files, *OTHER_NAMES])}"
            continue
        part = data.setdefault(section, {})
        if isinstance(part, dict):
            part[key] = value


def _nearest(word: str, known: Mapping[str, Any] | list[str], shape: str = "{}") -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {shape.format(near[0])}?" if near else ""


def _in_plain_words(error: Any) -> str:
    """Return one sentence for one error of pydantic; values are not repeated, since they may be secret."""
    section, *rest = (str(part) for part in error["loc"])
    where = f"[{section}] {'.'.join(rest)}".strip()
    if error["type"] == "missing":
        return f"{where} is missing" if rest else f"the section [{section}] is missing"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def example(
    scheme: Mapping[str, Any], node: Mapping[str, Any], federation: Mapping[str, Any] | None = None, *,
    backup: Mapping[str, Any] | None = None, mail: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """Return the text of a new configuration file; sections that say nothing are left out, or shown as an example."""
    lines = [
        "# interlets: docs/operating.md explains every key. What organisers change in the browser",
        "# (limits, the rate, help line …) is only taken from here when the node starts for the first time.",
    ]
    sections = {"scheme": scheme, "node": node, "federation": federation, "backup": backup, "mail": mail}
    shown = {
        "backup": ['# folder = "/media/stick/interlets"  # another disk, best one that leaves the house'],
        "mail": ['# host = "mail.example.org"', '# sender = "scheme@example.org"'],
    }
    for name, values in sections.items():
        if values:
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
        elif name in shown:
            lines += ["", f"# [{name}]", *shown[name]]
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    escaped = "".join(
        f"\\{sign}"
        if sign in '"\\'
        else f"\\u{ord(sign):04x}"
        if ord(sign) < 32 or ord(sign) == 127
        else sign
        for sign in str(value)
    )
    return f'"{escaped}"'
