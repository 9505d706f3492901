"""The keys on disk: made once by `init`, opened unattended at each start. Source: docs/protocol.md 2.2.

    keys/machine.key   32 random bytes that seal online.key; or a systemd credential in its place
    keys/online.key    the delegated keys and the pepper of PINs, sealed with the machine key
    keys/root.key      the root key, sealed with a passphrase; the running node never opens it
    keys/identity.log  the signed identity events; public

The next root key and the recovery key are on no disk: both are derived from the 24 words of the sheet. So is the
safe key, under which this scheme seals what only it reads again; that one is also in online.key.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.canonical import NotCanonical, Value, decode, encode
from crypto.digest import tagged
from crypto.keyfile import (
    MACHINE_KEY_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    CannotOpenKeyFile,
    Cost,
    open_with_machine_key,
    open_with_passphrase,
    seal_with_machine_key,
    seal_with_passphrase,
)
from crypto.keys import SEED_BYTES, SigningKey
from crypto.safekeeping import SafeKeys
from crypto.sealing import SEALING_KEY_BYTES, SealingKey
from node.clock import Chance
from node.keyring import KeyRing
from protocol.errors import ProtocolError
from protocol.identity import IdentityState, advance, fold_log, make_delegate, make_inception
from protocol.identity_events import (
    PURPOSES,
    RECOVERY,
    SEAL,
    SIGNING_PURPOSES,
    next_key_digest,
)
from protocol.names import KeySeq

FOLDER: Final = "keys"
CHANGED_FOLDER: Final = "keys.changed"
OLD_FOLDER: Final = "keys.old"
MACHINE_KEY: Final = "machine.key"
ONLINE_KEYS: Final = "online.key"
ROOT_KEY: Final = "root.key"
IDENTITY_LOG: Final = "identity.log"
CREDENTIAL: Final = "interlets-machine-key"  # LoadCredential= of the systemd unit

PEPPER_BYTES: Final = 32
SHEET_BYTES: Final = 32
ONLINE_TAG: Final = "interlets/1/online-keys"
NEXT_ROOT_TAG: Final = "interlets/1/sheet-next-root"
RECOVERY_TAG: Final = "interlets/1/sheet-recovery"
SAFE_TAG: Final = "interlets/1/sheet-safe"
FILE_BYTES_MAX: Final = 16 * 1024 * 1024  # the identity log of 16,384 events fits


class KeysUnusable(Exception):
    """The keys cannot be made or opened; the text says why and what to do, in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keys:
    """What a running node has in memory."""

    keyring: KeyRing
    pepper: bytes  # hashed into every PIN and throttle mark; a database alone is worth nothing


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Drawn:
    """A new scheme's keys, nothing of them on disk yet."""

    keys: Keys
    root: SigningKey
    sheet: bytes  # the 32 bytes behind the 24 words


def next_root_key(sheet: bytes) -> SigningKey:
    """Return the next root key, from the 32 bytes of a recovery sheet."""
    return SigningKey(tagged(NEXT_ROOT_TAG, sheet))


def recovery_key(sheet: bytes) -> SealingKey:
    """Return the recovery key, from the 32 bytes of a recovery sheet."""
    return SealingKey(tagged(RECOVERY_TAG, sheet))


def safe_key(sheet: bytes) -> bytes:
    """Return the key for what only this scheme reads again, from the 32 bytes of a recovery sheet."""
    return tagged(SAFE_TAG, sheet)


def draw_keys(chance: Chance, now_ms: int) -> Drawn:
    """Return the keys of a new scheme: root, next root, and one for every purpose, all in its identity log."""
    root, sheet = SigningKey(chance.bytes(SEED_BYTES)), chance.bytes(SHEET_BYTES)
    _, inception = make_inception(root, next_key_digest(next_root_key(sheet).public.raw), now_ms)
    log = [inception.wire]
    state = fold_log(log)
    signing: dict[str, tuple[KeySeq, SigningKey]] = {}
    seal = SealingKey(chance.bytes(SEALING_KEY_BYTES))
    seal_seq = 0
    for purpose in PURPOSES:
        if purpose in SIGNING_PURPOSES:
            key: SigningKey | SealingKey = SigningKey(chance.bytes(SEED_BYTES))
            assert isinstance(key, SigningKey)
            signing[purpose] = (state.seq + 1, key)
        elif purpose == SEAL:
            key, seal_seq = seal, state.seq + 1
        else:
            assert purpose == RECOVERY, purpose
            key = recovery_key(sheet)
        event = make_delegate(state, root, purpose, key, now_ms)
        state = advance(state, event.wire)
        log.append(event.wire)
    safe = SafeKeys([safe_key(sheet)])
    keyring = KeyRing(identity=state, log=tuple(log), signing=signing, seal=(seal_seq, seal), safe=safe)
    return Drawn(keys=Keys(keyring=keyring, pepper=chance.bytes(PEPPER_BYTES)), root=root, sheet=sheet)


# --- Making ------------------------------------------------------------------------------------------------------


def make_keys(
    data_dir: Path, passphrase: str, chance: Chance, now_ms: int, *, cost: Cost = Cost()
) -> tuple[Keys, tuple[str, ...]]:
    """Make a new scheme's keys in `data_dir`; return them and the 24 words of the sheet, which is kept nowhere.

    All files appear at once, or none. Takes as long as `cost` says.

    Raises:
        KeysUnusable: there are keys already, or the folder cannot be written.
    """
    drawn = draw_keys(chance, now_ms)
    write_keys(data_dir, drawn, passphrase, chance, cost=cost)
    # Words are needed once in the life of a scheme, and their list takes time to load.
    from crypto.words import to_words

    return drawn.keys, to_words(drawn.sheet)


def write_keys(data_dir: Path, drawn: Drawn, passphrase: str, chance: Chance, *, cost: Cost = Cost()) -> None:
    """Write keys that were drawn into `data_dir`; all files appear at once, or none. Raises KeysUnusable."""
    folder = data_dir / FOLDER
    if folder.exists():
        raise KeysUnusable(
            f"{folder} exists: this node has its keys, and a second set would be another scheme"
        )
    machine_key = chance.bytes(MACHINE_KEY_BYTES)
    files = {
        MACHINE_KEY: machine_key,
        ONLINE_KEYS: _seal_online(drawn.keys, machine_key, chance),
        ROOT_KEY: seal_root(drawn.root, passphrase, chance, cost),
        IDENTITY_LOG: encode(drawn.keys.keyring.log),
    }
    try:
        make_private(data_dir)
        making = data_dir / f"{FOLDER}.making"
        shutil.rmtree(
            making, ignore_errors=True
        )  # left by an init that was interrupted; nobody saw its sheet
        making.mkdir(mode=0o700)
        for name, data in files.items():
            _write_private(making / name, data)
        sync_folder(making)
        making.rename(folder)
        sync_folder(data_dir)
    except OSError as error:
        raise KeysUnusable(f"the keys cannot be written: {error}") from error


def rewrite_online(
    data_dir: Path, keys: Keys, chance: Chance, environment: Mapping[str, str] = os.environ
) -> None:
    """Put other online keys in the place of those on disk. Raises KeysUnusable."""
    folder = data_dir / FOLDER
    try:
        sealed = _seal_online(keys, _read(machine_key_path(folder, environment)), chance)
        new = folder / f"{ONLINE_KEYS}.new"
        new.unlink(missing_ok=True)
        _write_private(new, sealed)
        new.replace(folder / ONLINE_KEYS)
        sync_folder(folder)
    except OSError as error:
        raise KeysUnusable(f"the keys cannot be written: {error}") from error


def write_changed(data_dir: Path, keys: Keys, chance: Chance, *, root_key: bytes | None = None) -> None:
    """Put changed keys in the place of those in `data_dir`; `root_key` is the new root.key, if that changed too.

    All files change at once: whoever is interrupted finds the old ones or the new ones.

    Raises:
        KeysUnusable: they cannot be written; nothing changed.
    """
    folder, changed, old = (data_dir / name for name in (FOLDER, CHANGED_FOLDER, OLD_FOLDER))
    machine_key = _read(machine_key_path(folder, os.environ))
    files = {
        ONLINE_KEYS: _seal_online(keys, machine_key, chance),
        IDENTITY_LOG: encode(keys.keyring.log, bytes_max=FILE_BYTES_MAX),
    }
    if root_key is not None:
        files[ROOT_KEY] = root_key
    try:
        shutil.rmtree(changed, ignore_errors=True)  # left by a change that was interrupted
        shutil.copytree(folder, changed)
        for name, data in files.items():
            (changed / name).unlink()
            _write_private(changed / name, data)
        sync_folder(changed)
        folder.rename(old)
        changed.rename(folder)
        sync_folder(data_dir)
    except OSError as error:
        raise KeysUnusable(f"the keys cannot be written: {error}") from error
    finish_change(data_dir)


def finish_change(data_dir: Path) -> None:
    """Finish a change of keys that was interrupted between its last two steps, and remove the keys before it."""
    folder, changed, old = (data_dir / name for name in (FOLDER, CHANGED_FOLDER, OLD_FOLDER))
    if old.is_dir() and not folder.exists():
        (changed if changed.is_dir() else old).rename(folder)
    if folder.is_dir():
        shutil.rmtree(old, ignore_errors=True)


def seal_root(root: SigningKey, passphrase: str, chance: Chance, cost: Cost = Cost()) -> bytes:
    """Return the file of a root key. Takes as long as `cost` says."""
    return seal_with_passphrase(
        root.seed(), passphrase, salt=chance.bytes(SALT_BYTES), nonce=chance.bytes(NONCE_BYTES), cost=cost
    )


def read_identity(data_dir: Path) -> tuple[bytes, ...]:
    """Return the identity log, which is public; no key is opened. Raises KeysUnusable."""
    try:
        log = decode(_read(data_dir / FOLDER / IDENTITY_LOG), bytes_max=FILE_BYTES_MAX)
    except NotCanonical as error:
        raise KeysUnusable(f"the files in {data_dir / FOLDER} do not fit together: {error}") from error
    if not isinstance(log, tuple) or not all(isinstance(wire, bytes) for wire in log):
        raise KeysUnusable(
            f"the files in {data_dir / FOLDER} do not fit together: identity.log holds something else"
        )
    return tuple(wire for wire in log if isinstance(wire, bytes))


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can look into. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _seal_online(keys: Keys, machine_key: bytes, chance: Chance) -> bytes:
    ring = keys.keyring
    signing: tuple[Value, ...] = tuple(
        (purpose, seq, key.seed()) for purpose, (seq, key) in ring.signing.items()
    )
    seal_seq, seal = ring.seal
    secret = encode((ONLINE_TAG, keys.pepper, signing, (seal_seq, seal.secret()), ring.safe.secrets()))
    return seal_with_machine_key(
        secret, machine_key, salt=chance.bytes(SALT_BYTES), nonce=chance.bytes(NONCE_BYTES)
    )


def _write_private(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make what was named or renamed in a folder durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- Opening -----------------------------------------------------------------------------------------------------


def open_keys(data_dir: Path, environment: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys a node works with.

    Raises:
        KeysUnusable: they are missing, damaged, or sealed on another machine.
    """
    folder = data_dir / FOLDER
    finish_change(data_dir)
    if not folder.is_dir():
        raise KeysUnusable(f"there are no keys in {folder}: “interlets init” makes them")
    machine_key = _read(machine_key_path(folder, environment))
    try:
        secret = open_with_machine_key(_read(folder / ONLINE_KEYS), machine_key)
    except CannotOpenKeyFile:
        raise KeysUnusable(
            f"{folder / ONLINE_KEYS} cannot be opened: it is damaged, or was sealed with another machine key"
        ) from None
    try:
        wires = read_identity(data_dir)
        return _assemble(fold_log(wires), wires, decode(secret))
    except (NotCanonical, ProtocolError, ValueError) as error:
        raise KeysUnusable(f"the files in {folder} do not fit together: {error}") from error


def open_keyring(data_dir: Path) -> KeyRing:
    """Return the key ring of a node. Raises KeysUnusable."""
    return open_keys(data_dir).keyring


def open_root_key(data_dir: Path, passphrase: str) -> SigningKey:
    """Return the root key, for acts that need it. Takes a while. Raises KeysUnusable."""
    try:
        return SigningKey(open_with_passphrase(_read(data_dir / FOLDER / ROOT_KEY), passphrase))
    except CannotOpenKeyFile:
        raise KeysUnusable("the passphrase is wrong, or root.key is damaged") from None


def _assemble(identity: IdentityState, log: tuple[bytes, ...], online: Value) -> Keys:
    match online:
        case (str(tag), bytes(pepper), tuple(signing), (int(seal_seq), bytes(seal_secret)), tuple(safe)) if (
            tag == ONLINE_TAG and len(pepper) == PEPPER_BYTES
        ):
            ring = dict(_signing_key(identity, each) for each in signing)
            seal = SealingKey(seal_secret)
            safe_keys = SafeKeys([each for each in safe if isinstance(each, bytes)])
        case _:
            raise ValueError("online.key holds something else")
    keyring = KeyRing(identity=identity, log=log, signing=ring, seal=(seal_seq, seal), safe=safe_keys)
    return Keys(keyring=keyring, pepper=pepper)


def _signing_key(identity: IdentityState, stored: Value) -> tuple[str, tuple[KeySeq, SigningKey]]:
    match stored:
        case (str(purpose), int(seq), bytes(seed)):
            key = SigningKey(seed)
        case _:
            raise ValueError("online.key holds something else")
    if identity.key_for(purpose, seq) != key.public:
        raise ValueError(f"the {purpose} key is not the one delegated in the identity log")
    return purpose, (seq, key)


def machine_key_path(folder: Path, environment: Mapping[str, str]) -> Path:
    """Return where the machine key lies: in `folder`, or, where it was moved out of it, where systemd put the credential.

    A process may serve schemes that keep their own beside the one whose key is the credential.
    """
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL).exists() and not (folder / MACHINE_KEY).exists():
        return Path(credentials) / CREDENTIAL
    return folder / MACHINE_KEY


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise KeysUnusable(f"{path} is not what it should be: too large")
        return path.read_bytes()
    except OSError as error:
        raise KeysUnusable(f"{path} cannot be read: {error.strerror or error}") from error


def exposed_files(data_dir: Path) -> list[Path]:
    """Return what in the data directory somebody else on this machine could read, for `doctor`."""
    own = [
        data_dir,
        data_dir / FOLDER,
        *sorted((data_dir / FOLDER).glob("*")),
        *sorted(data_dir.glob("node.db*")),
    ]
    return [path for path in own if path.exists() and path.stat().st_mode & 0o077]
