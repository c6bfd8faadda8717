"""What every way does: one LoRA arm's search, as a list of points, on one model, data and budget.

All of it comes from a plan of the project: its profile's configuration, the division of its data, its
validation questions. So a study of the same space does the same work as the rivals, point by point.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution

from study.config import TrialConfig
from study.data.prompts import question_source
from study.methods.table import METHODS
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.plan.profiles import PROFILES
from study.plan.request import Request
from study.workplace import Workplace

SEARCHED = ("rank", "learning_rate")
# A drawn learning rate lies within such a factor of the profile's own: none makes a training explode.
SPREAD = 2.0
# In a rival's output: a line of JSON for each trial.
TRIALS_FILE = "trials.jsonl"
_FILE, _SPACE_FILE = "work.json", "one_arm.py"
_SPACE = '''"""One LoRA arm, whose search tries a list of points."""

from study.space import Space

SPACE = Space(
    question="Which rank and learning rate does LoRA want?",
    compare={{"method": ["lora"]}},
    search={searched!r},
    points_to_evaluate={points!r},
)
'''


@dataclass(frozen=True)
class Work:
    """What every way does.

    Attributes:
        profile: the project's, of which the configuration comes.
        model, data: folders, or "embedded".
        settings: configuration values that differ from the profile's.
        points: a rank and a learning rate of each trial, the profile's own first.
        config: the configuration that all trials share, by the names of `study.config.TrialConfig`.
        model_folder: where the model lies.
        has_encoder: whether the model reads the question with an encoder.
        rows: split -> rows of it: "train", "validation".
        device: "cpu" or "cuda".
    """

    profile: str
    model: str
    data: str
    settings: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]]
    config: Mapping[str, Any]
    model_folder: str
    has_encoder: bool
    rows: Mapping[str, int]
    device: str


@dataclass(frozen=True)
class Texts:
    """A split: the questions as a model is asked them, the answers that it should give, and their numbers."""

    questions: list[str]
    targets: list[str]
    numbers: list[str]


@dataclass(frozen=True)
class Asked:
    """What a benchmark asks for; see `Work`."""

    profile: str
    trials: int
    settings: Mapping[str, Any]
    model: str = "embedded"
    data: str = "embedded"
    device: str = "cpu"
    seed: int = 0


def prepare(asked: Asked, folder: Path) -> Work:
    """Write the work, its texts and its search space into a folder, and return it.

    Raises:
        UserError: the model or the data can't be used.
    """
    points = draw_points(asked.profile, asked.trials, asked.seed)
    space = _SPACE.format(searched=list(SEARCHED), points=points[1:])
    (folder / _SPACE_FILE).write_text(space, encoding="utf-8")
    request = Request(
        str(folder / _SPACE_FILE),
        profile=asked.profile,
        model=asked.model,
        data=asked.data,
        replicates=1,
        trials=asked.trials,
        settings=asked.settings,
    )
    from study.models.loading import load_family

    plan = bind(make_plan(request))
    arm = plan.compared[0]
    config = arm.search_config(points[0], 0)
    workplace = workplace_of(plan, config.model)
    work = Work(
        profile=asked.profile,
        model=asked.model,
        data=asked.data,
        settings=asked.settings,
        points=points,
        config=config.model_dump(mode="json"),
        model_folder=str(workplace.model.path),
        has_encoder=load_family(workplace.model).task_type == "SEQ_2_SEQ_LM",
        rows={split: _write_texts(config, workplace, split, folder) for split in ("train", "validation")},
        device=asked.device,
    )
    (folder / _FILE).write_text(json.dumps(asdict(work)), encoding="utf-8")
    return work


def describe_work(work: Work) -> dict[str, Any]:
    """Return a work as a file of results has it: no path of this machine."""
    return {
        "profile": work.profile,
        "model": Path(work.model).name,
        "data": Path(work.data).name,
        "device": work.device,
        "settings": dict(work.settings),
        "steps": work.config["max_steps"],
        "batch_size": work.config["batch_size"],
        "training_questions": work.rows["train"],
        "validation_questions": work.rows["validation"],
        "points": [dict(point) for point in work.points],
    }


def draw_points(profile: str, trials: int, seed: int) -> list[dict[str, Any]]:
    """Return a rank and a learning rate for each trial: the profile's own, then others by chance."""
    scale = PROFILES[profile].scale_of(METHODS["lora"])
    rng, ranks, own = random.Random(seed), scale.ranges["rank"], scale.defaults["learning_rate"]
    assert isinstance(ranks, CategoricalDistribution)
    drawn = [
        {"rank": rng.choice(ranks.choices), "learning_rate": own * SPREAD ** rng.uniform(-1, 1)}
        for _ in range(trials - 1)
    ]
    return [{name: scale.defaults[name] for name in SEARCHED}, *drawn]


def space_file(folder: Path) -> Path:
    """Return the file of the search space that tries the points of the work in a folder."""
    return folder / _SPACE_FILE


def read_work(folder: Path) -> Work:
    """Return the work that was prepared in a folder."""
    return Work(**json.loads((folder / _FILE).read_text(encoding="utf-8")))


def read_texts(folder: Path, split: str) -> Texts:
    """Return the texts of a split of the work in a folder."""
    return Texts(**json.loads((folder / f"{split}.json").read_text(encoding="utf-8")))


def is_same_point(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Tell whether two trials have the same rank and learning rate."""
    return all(math.isclose(first[name], second[name]) for name in SEARCHED)


def _write_texts(config: TrialConfig, workplace: Workplace, split: str, folder: Path) -> int:
    from study.trial.tokenised import load_examples

    rows = load_examples(config, workplace, split).rows
    questions = [question_source(question, config.prompt_style) for question in rows["question"]]
    texts = Texts(questions, list(rows["target"]), list(rows["reference_number"]))
    (folder / f"{split}.json").write_text(json.dumps(asdict(texts)), encoding="utf-8")
    return len(questions)
