from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.files.storage import LocalStorage, ObjectMissing, StorageFault
from app.files.vault import make_storage

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def storage(root: Path) -> LocalStorage:
    return LocalStorage(root)


def everything(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_write_read_delete(storage: LocalStorage, root: Path) -> None:
    assert not storage.exists(KEY)
    assert storage.write(KEY, [b"abc", b"", b"defgh"]) == 8
    assert storage.exists(KEY)
    assert b"".join(storage.read(KEY)) == b"abcdefgh"
    assert b"".join(storage.read(KEY, 2, 3)) == b"cde"
    assert b"".join(storage.read(KEY, 6, 100)) == b"gh"
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)
    assert everything(root) == []


def test_nobody_else_can_read(storage: LocalStorage, root: Path) -> None:
    storage.write(KEY, [b"abc"])
    (kept,) = everything(root)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_missing_is_told_before_the_first_byte(storage: LocalStorage) -> None:
    with pytest.raises(ObjectMissing):
        storage.read(KEY)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 32, "0" * 31, "0" * 33, f"{KEY}\n", f"{KEY[:30]}/a"])
def test_keys_are_hexadecimal_only(storage: LocalStorage, key: str) -> None:
    for use in (storage.exists, storage.read, storage.delete, lambda k: storage.write(k, [b"x"])):
        with pytest.raises(ValueError, match="storage key"):
            use(key)


def test_a_later_write_makes_no_directory_any_more(
    storage: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write(KEY, [b"first"])
    assert len(list(root.iterdir())) == 256
    monkeypatch.setattr(Path, "mkdir", lambda *_args, **_given: pytest.fail("a directory was made"))
    storage.write("f" * 32, [b"second"])
    assert b"".join(storage.read("f" * 32)) == b"second"


@pytest.mark.parametrize("fault", [ConnectionResetError("phone left"), ValueError("malformed"), KeyboardInterrupt()])
def test_interrupted_source_leaves_nothing_and_passes_through(
    storage: LocalStorage, root: Path, fault: BaseException
) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise fault

    with pytest.raises(type(fault)):
        storage.write(KEY, source())
    assert everything(root) == []
    assert not storage.exists(KEY)


def test_an_unwritable_place_is_a_storage_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFault):
        LocalStorage(tmp_path / "file").write(KEY, [b"x"])


def test_a_full_disk_is_a_storage_fault(storage: LocalStorage, root: Path) -> None:
    # A child with a limit on the size of files meets the same fault as a full disk: write() fails half way.
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            storage.write(KEY, [bytes(600), bytes(600)])
        except StorageFault:
            os._exit(7 if everything(root) == [] else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_written_before_finds_finished_and_interrupted(storage: LocalStorage, root: Path) -> None:
    storage.write(KEY, [b"old"])
    storage.write("a" * 32, [b"new"])
    left = root / OTHER[:2] / f"{OTHER}.part"
    left.write_bytes(b"killed")
    (root / "ff" / "README").write_bytes(b"not ours")
    long_ago = datetime.now(UTC) - timedelta(days=2)
    for path in (root / KEY[:2] / KEY, left, root / "ff" / "README"):
        os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    found = set(storage.written_before(datetime.now(UTC) - timedelta(days=1)))
    assert found == {KEY, OTHER}
    storage.delete(OTHER)
    assert not left.exists()


def test_factory(tmp_path: Path) -> None:
    storage = make_storage((tmp_path / "证据 1").as_uri())
    storage.write(KEY, [b"x"])
    assert (tmp_path / "证据 1" / "01" / KEY).exists()
    for url in ("s3://", "file://elsewhere/x", "file:relative", "/plain/path", ""):
        with pytest.raises(ValueError, match="FILES_URL"):
            make_storage(url)
