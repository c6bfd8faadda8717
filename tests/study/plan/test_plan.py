from pathlib import Path

import pytest

from study.errors import UserError
from study.plan.binding import bind
from study.plan.labels import label_arms
from study.plan.making import make_plan
from study.plan.plan import search_width
from study.plan.profiles import PROFILES
from study.plan.request import Request
from study.space import Space, choice, contains, list_spaces, load_space


@pytest.mark.parametrize("space", list_spaces())
@pytest.mark.parametrize("profile", PROFILES)
def test_every_space_gives_a_plan_with_equal_budgets(space: str, profile: str) -> None:
    plan = make_plan(Request(space, profile))
    trained = plan.compared
    assert len({(arm.replicates, arm.search_trials, arm.confirm_seeds) for arm in trained}) == 1
    assert len({(arm.values.get("max_steps"), arm.values.get("epochs")) for arm in trained}) == 1
    assert len({arm.slug for arm in plan.arms}) == len(plan.arms)


@pytest.mark.parametrize("space", list_spaces())
@pytest.mark.parametrize("profile", PROFILES)
def test_the_first_guess_lies_in_its_ranges(space: str, profile: str) -> None:
    for arm in make_plan(Request(space, profile)).arms:
        assert len(arm.guesses) == (1 if arm.ranges else 0)
        for guess in arm.guesses:
            assert guess.keys() == arm.ranges.keys()
            assert all(contains(arm.ranges[name], value) for name, value in guess.items()), arm.label


def test_lora_vs_qlora_has_four_arms_and_the_baselines_of_each_variant() -> None:
    labels = [arm.label for arm in make_plan(Request("lora_vs_qlora")).arms]
    assert labels[:4] == ["lora main", "lora socratic", "qlora main", "qlora socratic"]
    assert labels[4:6] == ["zero-shot main", "zero-shot socratic"]
    assert labels[6:] == [
        f"floor-{floor} {variant}"
        for variant in ("main", "socratic")
        for floor in ("commonest-answer", "random-solution", "nearest-solution", "echo")
    ]


def test_a_set_value_is_fixed_in_every_arm_and_searched_no_more() -> None:
    plan = make_plan(Request("lora_vs_qlora", settings={"rank": 4, "max_steps": 7}))
    for arm in plan.arms[:4]:
        assert arm.values["rank"] == 4
        assert arm.values["max_steps"] == 7
        assert "rank" not in arm.ranges
        assert "learning_rate" in arm.ranges


def test_setting_a_compared_factor_leaves_its_arms() -> None:
    plan = make_plan(Request("lora_vs_qlora", settings={"variant": "main"}))
    assert [arm.label for arm in plan.arms][:3] == ["lora", "qlora", "zero-shot"]
    assert len(plan.arms) == 3 + 4


def test_one_budget_replaces_the_other() -> None:
    arm = make_plan(Request("lora_vs_qlora", settings={"epochs": 1})).arms[0]
    assert arm.values["epochs"] == 1
    assert "max_steps" not in arm.values


def test_nothing_to_search_is_one_search_trial() -> None:
    settings = {"rank": 8, "alpha": 16, "learning_rate": 1e-3}
    assert make_plan(Request("lora_vs_qlora", settings=settings)).arms[0].search_trials == 1


def test_a_space_smaller_than_the_budget_gets_a_trial_for_each_configuration() -> None:
    settings = {"alpha": 16, "learning_rate": 1e-3}  # leaves five ranks
    assert make_plan(Request("lora_vs_qlora", trials=9, settings=settings)).arms[0].search_trials == 5


def test_the_paper_tries_its_own_adapter_first() -> None:
    for arm in make_plan(Request("lora_vs_qlora", profile="paper")).compared:
        assert arm.guesses[0]["rank"] == 8
        assert arm.values["target_modules"] == "query-value"


def space_file(tmp_path: Path, points: str) -> str:
    path = tmp_path / "points.py"
    path.write_text(
        "from study.space import Space\n"
        "SPACE = Space('Mine?', {'method': ['lora', 'full']}, ['rank', 'learning_rate'],\n"
        f"              points_to_evaluate={points})\n",
        encoding="utf-8",
    )
    return str(path)


def test_a_spaces_own_points_come_after_the_profiles(tmp_path: Path) -> None:
    lora, full = make_plan(Request(space_file(tmp_path, "[{'rank': 2}, {'learning_rate': 2e-3}]"))).compared
    assert list(lora.guesses[1:]) == [{"rank": 2}, {"learning_rate": 2e-3}]
    assert list(full.guesses[1:]) == [{"learning_rate": 2e-3}]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("[{'rank': 3}]", r"points_to_evaluate: rank must lie in .*\(2, 4, 8, 16, 32\).*received 3"),
        ("[{'rnk': 2}]", "in points_to_evaluate 'rnk': did you mean rank"),
    ],
)
def test_a_point_outside_the_search_is_refused(tmp_path: Path, points: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        make_plan(Request(space_file(tmp_path, points)))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("lora_vs_qlor"), "did you mean lora_vs_qlora"),
        (Request("lora_vs_qlora", profile="papr"), "did you mean paper"),
        (Request("lora_vs_qlora", trials=0), "--trials must be at least 1"),
        (Request("lora_vs_qlora", confirm_seeds=-1), "--confirm-seeds must be at least 0"),
        (Request("lora_vs_qlora", replicates=0), "--replicates must be at least 1"),
        (Request("lora_vs_qlora", looks=(3, 6), replicates=7), "goes with --replicates 6, received"),
        (Request("lora_vs_qlora", settings={"rank": 0}), "rank"),
        (Request("lora_vs_qlora", settings={"learning_rate": "fast"}), "learning_rate"),
        (Request("lora_vs_qlora", settings={"max_steps": 3, "epochs": 1}), "not both"),
        (Request("lora_vs_qlora", settings={"second_rank": 3}), "no arm of this space takes it"),
        (
            Request("lora_vs_qlora", code_data="embedded"),
            r"\(lora, qlora\) take no code data; stacked_lora does",
        ),
        (Request("lora_vs_qlora", settings={"method": "full", "rank": 3}), "no arm of this space takes it"),
        (Request("lora_vs_qlora", settings={"variant": "maths"}), "'main' or 'socratic'"),
        (Request("lora_vs_qlora", settings={"method": "zero_shot"}), "trains nothing"),
        (Request("full_vs_lora", settings={"quantization": "nf4"}), "no arm of this space takes it"),
        (Request("lora_vs_qlora", seed=-1), "seed"),
    ],
)
def test_a_request_that_cannot_be_is_refused(request_: Request, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        make_plan(request_)


def test_binding_puts_fingerprints_into_every_trial(tiny_model, small_data) -> None:
    plan = bind(make_plan(Request("lora_vs_qlora", model=str(tiny_model), data=str(small_data))))
    main, socratic = plan.arms[0].confirm_config({}, 0), plan.arms[1].confirm_config({}, 0)
    assert main.model == "tiny-t5"
    assert main.model_fingerprint == socratic.model_fingerprint != ""
    assert main.data_fingerprint != socratic.data_fingerprint


def test_the_width_keeps_every_slot_busy() -> None:
    one, five = (make_plan(Request("lora_vs_qlora", replicates=replicates)) for replicates in (1, 5))
    assert [search_width(one, slots) for slots in (1, 2, 4, 5, 64)] == [1, 1, 1, 2, 16]
    assert [search_width(five, slots) for slots in (1, 2, 20, 21, 64)] == [1, 1, 1, 2, 4]


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (Space("?", [], []), "at least one block"),
        (Space("?", {"methd": ["lora"]}, []), "unknown factor 'methd': did you mean method"),
        (Space("?", {"variant": ["main"]}, []), "every block must name its method, received variant"),
        (Space("?", {"method": ["lorra"]}, []), "unknown method 'lorra': did you mean lora"),
        (Space("?", {"method": ["zero_shot"]}, []), "valid: full, lora, qlora, stacked_lora"),
        (Space("?", {"method": "lora"}, []), "must be a list of one value or more, received 'lora'"),
        (Space("?", {"method": []}, []), "must be a list of one value or more"),
        (
            Space("?", {"method": ["lora"], "prompt_style": ["plane"]}, []),
            "unknown prompt_style 'plane': did you mean plain",
        ),
        (
            Space("?", {"method": ["qlora"], "quantization": ["fp4"]}, []),
            "unknown quantization 'fp4': did you mean nf4",
        ),
        (Space("?", {"method": ["lora"], "variant": ["mian"]}, []), "unknown variant 'mian'"),
        (Space("?", {"method": ["lora"], "rank": [0]}, []), "greater than or equal to 1, received 0"),
        (Space("?", {"method": ["full"], "rank": [4]}, []), "method full takes no rank"),
        (
            Space("?", {"method": ["lora"]}, ["learning_rte"]),
            "hyperparameter of lora 'learning_rte': did you mean learning_rate",
        ),
        (Space("?", {"method": ["full"]}, ["rank"]), "hyperparameter of full 'rank'"),
        (Space("?", {"method": ["lora"]}, ["rank"], fixed={"rank": 4}), "both searched and fixed"),
        (Space("?", {"method": ["lora"], "rank": [4]}, ["rank"]), "both searched and compared"),
        (Space("?", {"method": ["lora"]}, ["alpha"], {"rank": choice(1, 2)}), "rank is not searched"),
        (Space("?", {"method": ["lora"]}, ["rank"], {"rank": [1, 2]}), r"must be a range.* \[1, 2\]"),
        (Space("?", {"method": ["lora"]}, ["rank"], {"rank": choice(4, 0)}), "equal to 1, received 0"),
        (Space("?", {"method": ["lora"]}, ["rnk"], {"rnk": choice(4, 0)}), "unknown setting 'rnk'"),
        (Space("?", {"method": ["lora"]}, [], fixed={"rnk": 4}), "unknown setting 'rnk': did you mean rank"),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_one_line(
    space: Space, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.plan.making.load_space", lambda name: space)
    with pytest.raises(UserError, match=reason) as caught:
        make_plan(Request("mine"))
    assert "\n" not in str(caught.value)


def test_a_space_may_search_what_has_no_range_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = {"batch_size": choice(8, 16), "epochs": choice(0.5, 1.0)}
    space = Space("?", {"method": ["lora", "stacked_lora"]}, list(ranges), ranges)
    monkeypatch.setattr("study.plan.making.load_space", lambda name: space)
    for arm in make_plan(Request("mine")).compared:
        assert dict(arm.ranges) == ranges
        assert arm.search_config({"batch_size": 8, "epochs": 0.5}, 0).max_steps is None


def test_every_rank_rate_and_length_of_stacked_lora_can_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["rank", "learning_rate", "max_steps", "second_rank", "second_learning_rate", "second_max_steps"]
    space = Space("?", {"method": ["stacked_lora"]}, names, {"max_steps": choice(10, 20)})
    monkeypatch.setattr("study.plan.making.load_space", lambda name: space)
    (arm,) = make_plan(Request("mine")).compared
    assert list(arm.ranges) == names


def test_a_quantization_is_set_where_something_is_quantised() -> None:
    plan = make_plan(Request("lora_vs_qlora", settings={"quantization": "int8"}))
    kinds = {(arm.values["method"], arm.values["quantization"]) for arm in plan.compared}
    assert kinds == {("lora", "none"), ("qlora", "int8")}


def test_blocks_make_the_union_of_their_arms() -> None:
    space = Space("?", [{"method": ["lora"]}, {"method": ["lora", "full"]}], [], {"rank": choice(1, 2)})
    assert space.combinations() == [{"method": "lora"}, {"method": "full"}]


def test_labels_name_what_differs() -> None:
    arms = [
        {"method": "lora", "rank": 2, "variant": "main"},
        {"method": "lora", "rank": 4, "variant": "main"},
    ]
    assert label_arms(arms) == ["lora rank 2", "lora rank 4"]


def test_every_space_says_how_to_run_it() -> None:
    import importlib

    for name in list_spaces():
        assert f"python -m study.run --space {name}" in (
            importlib.import_module(f"search_spaces.{name}").__doc__ or ""
        )
        assert load_space(name).question.endswith("?")


def test_the_papers_space_has_its_thirteen_comparisons_with_its_adapter() -> None:
    plan = make_plan(Request("paper", profile="paper"))
    assert len(plan.compared) == 13
    for arm in plan.compared:
        config = arm.confirm_config({}, 0)
        assert config.model == ("google-t5/t5-base" if config.method == "qlora" else "google-t5/t5-small")
        if config.method != "full":
            assert (config.rank, config.target_modules) == (8, "query-value")
    stacked = [arm for arm in plan.compared if arm.values["method"] == "stacked_lora"]
    assert [arm.values["code_data"] for arm in stacked] == ["m-a-p/CodeFeedback-Filtered-Instruction"]


def test_quantizations_are_told_apart() -> None:
    labels = [arm.label for arm in make_plan(Request("quantization")).compared]
    assert labels == ["qlora nf4", "qlora int8", "lora"]


def test_a_users_own_file_is_a_space(tmp_path: Path) -> None:
    path = tmp_path / "my_space.py"
    path.write_text(
        "from study.space import Space, choice\n"
        "SPACE = Space('Mine?', {'method': ['full']}, ['learning_rate'],\n"
        "              ranges={'learning_rate': choice(1e-3, 1e-4)})\n",
        encoding="utf-8",
    )
    (arm,) = make_plan(Request(str(path))).compared
    assert arm.label == "full"
    assert arm.ranges["learning_rate"] == choice(1e-3, 1e-4)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such file"),
        ("x = 1", r"must assign SPACE = Space\(...\), found NoneType"),
        ("1 / 0", "can't be read: ZeroDivisionError"),
        ("import nothing_of_that_name", "can't be read: ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_space_is_refused(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "space.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=reason):
        make_plan(Request(str(path)))
