"""A model's files over HTTP from a server that fails, stalls, breaks off, redirects and lies; and from archives."""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from indexer.config import EncoderOptions
from indexer.encoders.known import ALIASES
from indexer.encoders.models import known_model
from indexer.encoders.registry import find_encoder
from indexer.errors import ConfigError, LockedError, ModelError
from pipelines.models.download import Patience, download, open_client
from pipelines.models.lock import NAME as LOCK
from pipelines.models.lock import PACKAGED, locked_revision, read_sums
from pipelines.models.pull import CONFIGS, PulledModel, pull
from pipelines.models.store import check, remove
from tests.e2e.conftest import Cli
from tests.small_models import write_small_model

NAME = "snowflake/snowflake-arctic-embed-xs"
"""A known model that the package has no sums of, so that a small one can stand for it."""
LOCKED = "multilingual-e5-small"
PATIENCE = Patience(attempts=3, backoff_seconds=0.01, stalled_seconds=0.5)
MODEL = "onnx/model.onnx"


class Hub(ThreadingHTTPServer):
    """Serves a folder; `faults` says what becomes of the first requests for a file, by its name's end."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, folder))
        self.folder = folder
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.revisions: set[str] = set()
        self.ranges: list[str] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path_asked = self.path.partition("?")[0]
        revision, _, file = path_asked.partition("/resolve/")[2].partition("/")
        file = file or path_asked.lstrip("/")
        self.server.asked[file] += 1
        self.server.revisions.add(revision)
        faults = self.server.faults.get(file, [])
        fault = faults.pop(0) if faults else ""
        path = self.folder / file
        if fault.isdecimal() or not path.is_file():
            return self._answer(int(fault) if fault else 404, b"")
        if fault == "redirect":
            return self._answer(302, b"", Location=f"{self.path}?again")
        content = path.read_bytes()
        if fault == "lie":
            content = content[:-1] + b"?"
        start = 0
        if asked := self.headers.get("Range"):
            self.server.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        whole = content[start:]
        sent = whole[: len(whole) // 2] if fault in ("truncate", "stall") else whole
        self.send_response(206 if start else 200)
        for key, value in {"Content-Length": str(len(whole)), "ETag": '"1"', **span}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(sent)
        if fault == "stall":
            time.sleep(1)
        self.close_connection = bool(fault)
        return None

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with one model, which takes token types and has 384 dims."""
    folder = write_small_model(tmp_path / "hub", dims=384, model=MODEL, token_types=True)
    with Hub(folder) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pull_from(hub: Hub, models: Path) -> PulledModel:
    return pull(NAME, models, mirror=hub.url, patience=PATIENCE)


def test_a_pulled_model_is_an_encoder_with_its_prefixes_and_known_sums(hub: Hub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    pulled = pull_from(hub, models)
    assert {file.trust for file in pulled.files} == {"recorded now"}
    options = EncoderOptions(name=NAME, models=str(models))
    encoder = find_encoder(options).load(threads=1, light=True)
    assert encoder.identity.dims == 384
    same = encoder.encode(["parse"], role="query") @ encoder.encode(["parse"], role="passage").T
    assert float(same[0, 0]) < 0.999
    assert check(options).ok
    asked = sum(hub.asked.values())
    again = pull_from(hub, models)
    assert {file.trust for file in again.files} == {"recorded before"} and not again.fetched
    assert sum(hub.asked.values()) == asked, "what is whole needs no network"


@pytest.mark.parametrize("faults", [["503", "429"], ["truncate", "truncate"], ["stall"], ["redirect"]])
def test_what_goes_wrong_on_the_way_is_tried_again_from_where_it_was(
    hub: Hub, tmp_path: Path, faults: list[str]
) -> None:
    hub.faults[MODEL] = list(faults)
    pulled = pull_from(hub, tmp_path / "models")
    assert MODEL in pulled.fetched and not hub.faults[MODEL]
    halves = [fault for fault in faults if fault in ("truncate", "stall")]
    assert len(hub.ranges) == len(halves)


def test_a_server_that_keeps_failing_ends_the_pull_and_the_next_one_goes_on(hub: Hub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    hub.faults[MODEL] = ["truncate", *(["500"] * 20)]
    with pytest.raises(ModelError, match=r"model\.onnx: the server answered 500; tried 3 times, the part .* is kept$"):
        pull_from(hub, models)
    with pytest.raises(ModelError, match=f"indexer model pull {NAME}"):
        find_encoder(EncoderOptions(name=NAME, models=str(models)))
    hub.faults.clear()
    before = hub.asked["tokenizer.json"]
    assert pull_from(hub, models).fetched == (MODEL,)
    assert hub.asked["tokenizer.json"] == before and hub.ranges[-1] != "bytes=0-"


def test_where_nothing_came_nothing_is_said_to_be_kept(hub: Hub, tmp_path: Path) -> None:
    hub.faults[MODEL] = ["500"] * 20
    with pytest.raises(ModelError, match=r"model\.onnx: the server answered 500; tried 3 times$"):
        pull_from(hub, tmp_path / "models")


def test_a_server_that_lies_about_a_known_file_is_not_believed(hub: Hub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    pull_from(hub, models)
    recorded = read_sums(models / LOCK)[NAME]
    remove(models, NAME)
    hub.faults[MODEL] = ["lie"] * 9
    with pytest.raises(ModelError, match=r"is not the file that is known, and was removed"):
        pull_from(hub, models)
    hub.faults[MODEL] = ["lie"]  # one of two mirrors
    assert pull_from(hub, models).folder
    assert read_sums(models / LOCK)[NAME] == recorded


def test_a_file_that_is_locked_is_taken_of_its_revision_or_not_at_all(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not the file that is known, and was removed"):
        pull(LOCKED, tmp_path / "models", mirror=hub.url, patience=PATIENCE)
    assert hub.revisions == {locked_revision(LOCKED)}
    with pytest.raises(ModelError, match="is not the file that was locked"):
        pull(LOCKED, tmp_path / "models", source=hub.folder)
    assert not list((tmp_path / "models").rglob("*.onnx"))


def test_what_is_locked_are_files_that_a_pull_asks_for_of_models_that_are_known() -> None:
    locked = read_sums(PACKAGED)
    assert {LOCKED, "bge-m3", *ALIASES.values()} == set(locked)
    for name, sums in locked.items():
        known = known_model(name)
        assert known is not None
        assert {"tokenizer.json", known.model, *known.weights} <= set(sums) <= {*CONFIGS, known.model, *known.weights}
        assert all(int(own, 16) for own in sums.values())
        assert int(locked_revision(name) or "", 16)


@pytest.mark.parametrize("damage", ["alter", "truncate", "remove"])
def test_a_damaged_file_is_found_removed_and_fetched_again(hub: Hub, tmp_path: Path, damage: str) -> None:
    models = tmp_path / "models"
    pulled = pull_from(hub, models)
    options = EncoderOptions(name=NAME, models=str(models))
    file = Path(pulled.folder) / MODEL
    content = file.read_bytes()
    file.unlink()
    if damage != "remove":
        file.write_bytes(content[:-9] if damage == "truncate" else b"\0" + content[1:])
    assert set(check(options).findings) == {MODEL}
    with pytest.raises(ModelError, match=r"model\.onnx.*(damaged|can't be read)"):
        find_encoder(options).load(threads=1, light=True)
    assert pull_from(hub, models).fetched == (MODEL,)
    assert check(options).ok and file.read_bytes() == content


def test_an_endless_redirect_an_endless_file_and_a_packed_one_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.faults["tokenizer.json"] = ["redirect"] * 20
    with pytest.raises(ModelError, match="without an end"):
        pull_from(hub, tmp_path / "models")
    with open_client(PATIENCE) as client, pytest.raises(ModelError, match="no more than 10 are expected"):
        target = tmp_path / "short"
        download(client, f"{hub.url}/{MODEL}", target, sha256=None, most_bytes=10, patience=PATIENCE)


def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    with open_client(PATIENCE) as client:
        request = client.build_request("GET", "http://elsewhere/", extensions={"indexer_scheme": "https"})
        with pytest.raises(ModelError, match="from https to http"):
            client.send(request)


@pytest.mark.parametrize("form", ["folder", "tar.gz", "zip"])
def test_files_from_elsewhere_make_a_model_of_any_name(tmp_path: Path, form: str) -> None:
    source = write_small_model(tmp_path / "exported")
    if form != "folder":
        kind = {"tar.gz": "gztar", "zip": "zip"}[form]
        source = Path(shutil.make_archive(str(tmp_path / "packed"), kind, tmp_path, "exported"))
    models = tmp_path / "models"
    pulled = pull("our-model", models, source=source)
    assert pulled.dims == 16
    options = EncoderOptions(name="our-model", models=str(models))
    vectors = find_encoder(options).load(threads=1, light=True).encode(["x"])
    np.testing.assert_allclose(np.linalg.norm(vectors), 1, atol=1e-5)
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["our-model"]


@pytest.mark.parametrize("kind", ["out", "absolute", "link", "device", "not an archive"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        entry = tarfile.TarInfo({"out": "../outside", "absolute": str(tmp_path / "outside")}.get(kind, "model.onnx"))
        entry.size = 1
        if kind in ("link", "device"):
            entry.type, entry.linkname, entry.size = tarfile.SYMTYPE if kind == "link" else tarfile.CHRTYPE, "/etc", 0
        tar.addfile(entry, io.BytesIO(b"x"))
    if kind == "not an archive":
        archive.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"leads out|no regular file|can't be unpacked"):
        pull("evil", tmp_path / "models", source=archive)
    assert not (tmp_path / "outside").exists() and not (tmp_path / "models" / "outside").exists()
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("../outside", "x")
    with pytest.raises(ModelError, match="leads out"):
        pull("evil", tmp_path / "models", source=packed)


def test_of_two_pulls_at_a_time_one_is_refused_and_neither_loses_its_sums(hub: Hub, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    with FileLock(models / ".lock"), pytest.raises(LockedError, match="another process is fetching a model"):
        pull("ours", models, source=hub.folder)
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(_pull_until_it_may, name, models, hub.folder) for name in ("ours", "theirs")]
    assert sorted(done.result().name for done in both) == ["ours", "theirs"]
    assert set(read_sums(models / LOCK)) == {"ours", "theirs"}


def _pull_until_it_may(name: str, models: Path, source: Path) -> PulledModel:
    while True:
        try:
            return pull(name, models, source=source)
        except LockedError:
            time.sleep(0.01)


def test_names_that_can_t_be_pulled_are_refused(tmp_path: Path) -> None:
    for name, expected in (
        ("minilm", "no model can be pulled"),
        ("../../x", "no model can be pulled"),
        ("nonsense", "is no known model"),
        ("minishlab/potion-base-8M", "can't be used: it is a table"),
    ):
        with pytest.raises(ConfigError, match=expected):
            pull(name, tmp_path)


def test_a_build_and_a_search_download_only_where_the_user_s_settings_say_so(hub: Hub, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "tea.py").write_text("def brew(tea):\n    return tea\n")
    own_cli = Cli(tmp_path / "home")
    mirror = ("--set", f"encoder.mirror={hub.url}")
    assert own_cli("build", root, "--model", NAME, *mirror).code == 6
    assert not hub.asked
    built = own_cli("build", root, "--model", NAME, *mirror, "--set", "encoder.download=true", "--json")
    assert built.code == 0 and f"fetching the model {NAME}" in built.err
    assert hub.asked[MODEL] == 1
    assert own_cli("model", "remove", NAME).code == 0
    assert own_cli("search", "brew", "--root", root, *mirror).code == 6
    found = own_cli("search", "brew", "--root", root, *mirror, "--set", "encoder.download=true")
    assert found.code == 0 and hub.asked[MODEL] == 2
