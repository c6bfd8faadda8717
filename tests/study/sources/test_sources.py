"""Models and data by Hub name: the real code, against a cache laid out as the Hub's client lays it out."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data.loading import load_code, load_data
from study.errors import UserError
from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.request import Request
from study.rows.files import SUFFIXES, file_kind
from study.rows.text_files import COMPRESSIONS
from study.sources import finding as sources
from study.sources.finding import find_code_data, find_data, find_model, fingerprint_folder
from tests.cases.files.formats import arrow, card, jsonl, parquet, table
from tests.cases.files.rows import MORE, ROWS
from tests.study.splits import load_split

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import huggingface_hub.constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


def snapshot(cache: Path, repository: str) -> Path:
    (cache / repository / "refs").mkdir(parents=True)
    (cache / repository / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    folder = cache / repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder


def test_a_model_by_its_hub_name_is_the_folder_of_its_commit(hub_cache: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, snapshot(hub_cache, "models--google-t5--t5-small"), dirs_exist_ok=True)
    source = find_model("google-t5/t5-small")
    assert source.name == "google-t5/t5-small"
    assert source.revision == COMMIT
    assert fingerprint_folder(source.path) == fingerprint_folder(tiny_model)


def test_gsm8k_by_its_hub_name_gives_the_same_rows_as_a_folder(hub_cache: Path, small_data: Path) -> None:
    folder = snapshot(hub_cache, "datasets--openai--gsm8k")
    for variant in ("main", "socratic"):
        (folder / variant).mkdir()
        for split in ("train", "test"):
            lines = (small_data / variant / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
            rows = pa.Table.from_pylist([json.loads(line) for line in lines])
            pq.write_table(rows, folder / variant / f"{split}-00000-of-00001.parquet")
    source = find_data("openai/gsm8k")
    assert source.revision == COMMIT
    for variant in ("main", "socratic"):
        assert load_split(source.path, variant, "test") == load_split(small_data, variant, "test")


def blob(folder: Path, name: str, content: bytes) -> None:
    """Write a file as the Hub's client keeps it: a link in the snapshot, to a blob named by its hash."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    target = folder.parents[1] / "blobs" / hashlib.sha256(content).hexdigest()
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)
    (folder / name).symlink_to(target)


@pytest.mark.parametrize("kind", ["csv", "json", "json.gz", "parquet", "arrow"])
def test_a_set_of_any_kind_by_its_hub_name(hub_cache: Path, kind: str) -> None:
    folder = snapshot(hub_cache, "datasets--me--sums")
    made = {"csv": table, "json": jsonl, "json.gz": lambda r: gzip.compress(jsonl(r)), "parquet": parquet}
    for split, rows in (("train", ROWS), ("test", MORE)):
        blob(folder, f"data/{split}-00000-of-00001.{kind}", made.get(kind, arrow)(rows))
    blob(folder, "README.md", card("- config_name: default\n  data_files: data/train-*\n"))
    source = find_data("me/sums")
    assert source.revision == COMMIT
    data = load_data(source.path, "main")
    assert (len(data.train.problems), len(data.test.problems)) == (4, 1)  # the card names no test split
    (folder / "README.md").unlink()
    data = load_data(source.path, "main")
    assert (len(data.train.problems), len(data.test.problems)) == (5, 3)


def test_every_kind_of_file_that_is_read_is_fetched_from_the_hub() -> None:
    from huggingface_hub.utils import filter_repo_objects

    names = [f"data/train.{suffix}{more}" for suffix in SUFFIXES for more in ("", *COMPRESSIONS)]
    names = [name.replace("..", ".") for name in names]
    names += [name.upper() for name in names]
    names = [name for name in names if file_kind(Path(name))]
    others = ["run.py", "model.bin", "data.pkl", "data/x.npz"]
    fetched = list(filter_repo_objects([*names, "README.md", *others], allow_patterns=sources.DATA_FILES))
    assert fetched == [*names, "README.md"]
    assert len(names) == 2 * 27


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "/dev/null", "~nobody-of-that-name/x"])
def test_a_name_that_no_file_can_have_is_told(name: str) -> None:
    with pytest.raises(UserError, match=r"^(no data|data) '"):
        find_data(name)


def test_code_by_its_hub_name_gives_the_same_rows_as_a_folder(hub_cache: Path, small_code: Path) -> None:
    folder = snapshot(hub_cache, "datasets--m-a-p--CodeFeedback-Filtered-Instruction")
    shutil.copy(small_code / "train.jsonl", folder / "CodeFeedback-Filtered-Instruction.jsonl")
    (folder / "README.md").touch()
    source = find_code_data("m-a-p/CodeFeedback-Filtered-Instruction")
    assert (source.name, source.revision) == ("m-a-p/CodeFeedback-Filtered-Instruction", COMMIT)
    assert load_code(source.path) == load_code(small_code)


def test_a_study_is_bound_to_hub_names_and_commits(
    hub_cache: Path, tiny_model: Path, small_data: Path, small_code: Path
) -> None:
    for name in ("t5-small", "t5-base"):
        folder = snapshot(hub_cache, f"models--google-t5--{name}")
        shutil.copytree(tiny_model, folder, dirs_exist_ok=True)
    shutil.copytree(small_data, snapshot(hub_cache, "datasets--openai--gsm8k"), dirs_exist_ok=True)
    code = snapshot(hub_cache, "datasets--m-a-p--CodeFeedback-Filtered-Instruction")
    shutil.copy(small_code / "train.jsonl", code)
    plan = bind(make_plan(Request("paper", profile="paper")))
    configs = [arm.confirm_config({}, 1) for arm in plan.compared]
    assert {config.model for config in configs} == {"google-t5/t5-small", "google-t5/t5-base"}
    assert {config.model_fingerprint for config in configs} == {COMMIT}
    assert {config.data for config in configs} == {"openai/gsm8k"}
    assert plan.code_data is not None
    assert plan.code_data.revision == COMMIT


def test_a_pickle_alone_is_refused_with_the_reason_and_the_way_out(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).touch()
    with pytest.raises(
        UserError, match=r"only a pickle \(pytorch_model.bin\): reading one can run"
    ) as caught:
        find_model(str(tmp_path))
    assert "save_pretrained(FOLDER), which writes safetensors" in str(caught.value)


def test_a_model_of_pickles_on_the_hub_is_refused_with_the_reason(hub_cache: Path) -> None:
    folder = snapshot(hub_cache, "models--me--old-model")
    for name in ("config.json", "tokenizer.json"):
        (folder / name).touch()
    with pytest.raises(UserError, match=r"'me/old-model' needs .* a pickle is not fetched"):
        find_model("me/old-model")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"tokenizer.json": "{}"}, True),
        ({"spiece.model": ""}, True),
        ({"vocab.json": "{}", "merges.txt": ""}, True),
        ({"tokenizer_config.json": '{"tokenizer_class": "ByT5Tokenizer"}'}, True),
        ({"tokenizer_config.json": '{"tokenizer_class": "T5Tokenizer"}'}, False),
        ({"tokenizer_config.json": "[]"}, False),
        ({}, False),
    ],
)
def test_a_tokenizer_is_a_vocabulary_or_reads_bytes(
    tmp_path: Path, files: dict[str, str], found: bool
) -> None:
    for name, text in {"config.json": "{}", "model.safetensors": "", **files}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    if found:
        assert find_model(str(tmp_path)).path == tmp_path
    else:
        with pytest.raises(UserError, match=r"has no tokenizer: one of tokenizer.json, "):
            find_model(str(tmp_path))


def test_a_models_fingerprint_is_its_content(tiny_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "elsewhere")
    assert fingerprint_folder(copy) == fingerprint_folder(tiny_model)
    (copy / "config.json").write_text(
        (copy / "config.json").read_text(encoding="utf-8") + " ", encoding="utf-8"
    )
    assert fingerprint_folder(copy) != fingerprint_folder(tiny_model)
