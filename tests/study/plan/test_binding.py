"""A plan is bound to models that are told apart, and refused where a model can't do what is planned."""

from pathlib import Path

import pytest

from study.errors import UserError
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.run import main
from tests.cases.models.tiny import saved

SPACE = """from study.space import Space
SPACE = Space("Which?", {{"method": ["lora"], "model": {models!r}}}, ["learning_rate"])
"""


def plan_of(folder: Path, models: list[str], data: Path, **settings: object) -> Plan:
    path = folder / "space.py"
    path.write_text(SPACE.format(models=models), encoding="utf-8")
    return make_plan(Request(str(path), data=str(data), settings=settings))


def test_two_models_of_one_folder_name_are_two_arms_two_workplaces_and_two_winners(
    tmp_path: Path, small_data: Path
) -> None:
    folders = [tmp_path / owner / "x" for owner in "ab"]
    for width, folder in zip((32, 64), folders, strict=True):
        folder.mkdir(parents=True)
        saved(intermediate_size=width)(folder)
    plan = bind(plan_of(tmp_path, [str(folder) for folder in folders], small_data))
    trained = plan.compared
    assert [arm.label for arm in trained] == ["lora a/x", "lora b/x"]
    assert [arm.values["model"] for arm in trained] == ["x (a)", "x (b)"]
    assert list(plan.models) == ["x (a)", "x (b)", "embedded"]  # the last is the floors'
    assert [arm.factors["model"] for arm in trained] == ["x (a)", "x (b)"]
    assert [workplace_of(plan, arm.values["model"]).model.path for arm in trained] == folders
    assert len({arm.values["model_fingerprint"] for arm in trained}) == 2
    assert len({arm.slug for arm in trained}) == 2
    zero_shot = [arm for arm in plan.arms if arm.values["method"] == "zero_shot"]
    assert [arm.values["model"] for arm in zero_shot] == ["x (a)", "x (b)"]


def test_one_folder_named_twice_is_refused(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    saved()(tmp_path / "x")
    with pytest.raises(UserError, match="are one folder"):
        bind(plan_of(tmp_path, ["x", "./x"], small_data))


def test_what_a_model_is_used_for_is_noted(tmp_path: Path, small_data: Path) -> None:
    (tmp_path / "mine").mkdir()
    saved("mixtral")(tmp_path / "mine")
    plan = bind(plan_of(tmp_path, [str(tmp_path / "mine")], small_data, target_modules="all-linear"))
    assert any("the experts of model 'mine'" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--set", "max_source_tokens=40", "--set", "max_target_tokens=32"], "'tiny' has 64 positions"),
        (["--set", "max_source_tokens=32", "--set", "max_target_tokens=32",
          "--set", "target_modules=lm_head"], "shares its weight with transformer.wte"),
        (["--gpus-per-trial", "2"], "--gpus-per-trial must be at most 1"),
    ],
)  # fmt: skip
def test_the_command_line_refuses_it_in_one_line(
    options: list[str], says: str, tmp_path: Path, small_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny").mkdir()
    saved("gpt2")(tmp_path / "tiny")
    study = ["--space", "lora_vs_qlora", "--model", str(tmp_path / "tiny"), "--data", str(small_data)]
    results = tmp_path / "results"
    assert main([*study, *options, "--results", str(results), "--dry-run"]) == 2
    error = capfd.readouterr().err
    assert says in " ".join(error.split())
    assert "Traceback" not in error
    assert not results.exists()


def test_a_model_of_another_kind_goes_all_the_way_to_its_estimate(
    tmp_path: Path, small_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny").mkdir()
    saved("phi3")(tmp_path / "tiny")
    study = ["--space", "lora_vs_qlora", "--model", str(tmp_path / "tiny"), "--data", str(small_data)]
    study += ["--set", "target_modules=query-value", "--results", str(tmp_path / "results"), "--dry-run"]
    assert main(study) == 0
    output = " ".join(capfd.readouterr().out.split())
    assert "query-value of model 'tiny' is qkv_proj" in output
