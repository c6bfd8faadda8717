"""What the Hub may answer, each in one line with the cure; and names that are paths with a slip."""

import errno
from pathlib import Path

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from study.errors import UserError
from study.run import main
from study.sources.finding import find_data, find_model
from study.sources.hub import HubUnreachable, is_hub_name


def response(status: int) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "https://huggingface.co/api"))


def wrapped(cause: Exception) -> LocalEntryNotFoundError:
    """As snapshot_download raises what kept it from asking the Hub."""
    error = LocalEntryNotFoundError("An error happened while trying to locate the files on the Hub")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            GatedRepoError("403", response=response(403)),
            r"'me/x' is gated: .*co/me/x and set HF_TOKEN",
        ),
        (RepositoryNotFoundError("404", response=response(404)), "the Hub has none of that name"),
        (wrapped(HfHubHTTPError("429", response=response(429))), r"busy or failing \(HTTP 429\); try again"),
        (wrapped(HfHubHTTPError("503", response=response(503))), r"busy or failing \(HTTP 503\); try again"),
        (HfHubHTTPError("401", response=response(401)), "refuses this account .*HF_TOKEN"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk of the Hub's cache is full; .*HF_HOME"),
        (PermissionError(errno.EACCES, "denied", "/cache/hub"), "'/cache/hub' can't be written; set HF_HOME"),
        (
            RuntimeError("Data processing error: CAS"),
            "can't be fetched: RuntimeError: Data",
        ),
    ],
)
def test_the_hub_says_no(error: Exception, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(UserError, match=says) as caught:
        find_model("me/x")
    assert not isinstance(caught.value, HubUnreachable)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        wrapped(OfflineModeIsEnabled("offline")),
        wrapped(httpx.ConnectError("no route")),
        httpx.ReadTimeout("slow"),
        ConnectionResetError("reset"),
    ],
)
def test_a_hub_that_can_not_be_reached(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(HubUnreachable, match=r"the Hub can't be reached; valid without a network"):
        find_data("me/x")


PATHS = [
    "./nowhere",
    "../nowhere",
    "~/nowhere",
    "/nowhere/x",
    "data/x--y",
    "a/b/c",
    "nowhere",
    "a/x.jsonl",
    "a/x.git",
]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_with_a_slip_is_a_path(name: str) -> None:
    assert not is_hub_name(name)
    for find in (find_model, find_data):
        with pytest.raises(UserError, match=r"no such folder.*and not a Hub name") as caught:
            find(name)
        assert not isinstance(caught.value, HubUnreachable)


@pytest.mark.parametrize(
    "name",
    ["x" * 5000, "~nobody-at-all/x", "a\0b"],
)
def test_a_name_that_no_file_can_have(name: str) -> None:
    with pytest.raises(UserError, match="and not a Hub name"):
        find_model(name)


def test_a_name_in_a_folder_that_is_here_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_hub_name("models/x")
    (tmp_path / "models").mkdir()
    assert not is_hub_name("models/x")
    with pytest.raises(UserError, match="'models' is a folder here"):
        find_model("models/x")


@pytest.mark.parametrize("option", ["--model", "--data", "--code-data"])
@pytest.mark.parametrize("name", ["./nowhere", "data/x--y"])
def test_the_command_line_says_so_too(
    option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = "stacked_lora" if option == "--code-data" else "lora_vs_qlora"
    results = tmp_path / "results"
    assert main(["--space", space, option, name, "--results", str(results), "--dry-run"]) == 2
    assert f"'{name}': no such folder" in " ".join(capsys.readouterr().err.split())
    assert not results.exists()
