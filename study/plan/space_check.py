"""What a search space must keep to: a slip in a user's own file is one clear line, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from optuna.distributions import BaseDistribution, FloatDistribution

from study.config import Annotations, Quantization, Template, TrialConfig, Variant
from study.errors import UserError, unknown_name
from study.methods.table import METHODS, trained_methods
from study.plan.profiles import Profile
from study.space import FACTORS, Space
from study.tasks.finding import FoundTask

# The values that a factor may have. A model is any name, a rank any number that `TrialConfig` takes.
VALUES: Mapping[str, Sequence[str]] = {
    "quantization": get_args(Quantization),
    "variant": get_args(Variant),
    "annotations": get_args(Annotations),
    "template": get_args(Template),
}


def check_space(space: Space, profile: Profile, task: FoundTask) -> None:
    """Check what a space says, as far as that needs no model and no data.

    Args:
        space: any space.
        profile: at whose scale it is to run.
        task: whose prompt styles it may compare.

    Raises:
        UserError: at the first thing that can't be.
    """
    _check_kinds(space)
    if not space.blocks():
        raise UserError("compare: at least one block of factors is needed, received none")
    for block in space.blocks():
        _check_block(block, task)
    _check_search(space, profile)


def _check_kinds(space: Space) -> None:
    """Check that each part of a space is of the kind that `Space` says."""
    if not isinstance(space.question, str) or not space.question.strip():
        raise UserError(f"question must be a sentence, received {space.question!r}")
    blocks = [space.compare] if isinstance(space.compare, Mapping) else space.compare
    if not _is_list(blocks, Mapping):
        raise UserError(f"compare must be factors with their values, or a list of such, received {blocks!r}")
    if not _is_list(space.search, str):
        raise UserError(f"search must be a list of hyperparameters, received {space.search!r}")
    if not _is_list(space.points_to_evaluate, Mapping):
        raise UserError(
            f"points_to_evaluate must be a list of hyperparameters with their values, received "
            f"{space.points_to_evaluate!r}"
        )
    for part in ("ranges", "fixed"):
        if not isinstance(getattr(space, part), Mapping):
            raise UserError(f"{part} must be names with what they get, received {getattr(space, part)!r}")


def _is_list(value: Any, kind: type) -> bool:
    is_sequence = isinstance(value, Sequence) and not isinstance(value, str)
    return is_sequence and all(isinstance(one, kind) for one in value)


def _check_block(block: Mapping[str, Sequence[Any]], task: FoundTask) -> None:
    valid = {"method": trained_methods(), **VALUES, "prompt_style": [*task.task.styles]}
    for name, values in block.items():
        if name not in FACTORS:
            raise unknown_name("factor", str(name), FACTORS)
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise UserError(f"compare: {name} must be a list of one value or more, received {values!r}")
        for value in values:
            if isinstance(value, bool):
                raise UserError(f"compare: {name} must be names or numbers, received {value!r}")
            if name in valid and value not in valid[name]:
                raise unknown_name(name, str(value), valid[name])
    if "method" not in block:
        raise UserError(
            f"compare: every block must name its method, received {', '.join(block) or 'an empty one'}; "
            f"valid: {', '.join(trained_methods())}"
        )


def _check_search(space: Space, profile: Profile) -> None:
    methods = list(dict.fromkeys(method for block in space.blocks() for method in block["method"]))
    known = {name for method in methods for name in profile.scale_of(METHODS[method]).ranges}
    for name in space.search:
        if name not in known and name not in space.ranges:
            raise unknown_name(
                f"searched hyperparameter of {', '.join(methods)}", name, known | set(space.ranges)
            )
        if name in space.fixed:
            raise UserError(f"{name} is both searched and fixed; valid: one of the two")
        if any(name in block for block in space.blocks()):
            raise UserError(f"{name} is both searched and compared; valid: one of the two")
    for name in space.fixed:
        if any(name in block for block in space.blocks()):
            raise UserError(f"{name} is both fixed and compared; valid: one of the two")
    _check_ranges(space)


def _check_ranges(space: Space) -> None:
    for name, distribution in space.ranges.items():
        if name not in space.search:
            raise UserError(f"ranges: {name} is not searched; searched are: {', '.join(space.search)}")
        if not isinstance(distribution, BaseDistribution):
            raise UserError(
                f"ranges: {name} must be a range, as choice(1, 2), uniform(0, 1) or log_uniform(1e-4, 1), "
                f"received {distribution!r}"
            )
        if isinstance(distribution, FloatDistribution) and distribution.step is None and _is_whole(name):
            raise UserError(
                f"ranges: {name} takes whole numbers, received {distribution}; valid: choice(4, 8, 16), or "
                "optuna's IntDistribution(4, 16)"
            )


def _is_whole(setting: str) -> bool:
    """Tell whether a setting takes whole numbers alone."""
    known = TrialConfig.model_fields.get(setting)
    return known is not None and int in (known.annotation, *get_args(known.annotation))
