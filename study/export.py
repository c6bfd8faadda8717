"""Export the model of an arm: the adapter, or merged, with a card that says what was measured.

    python -m study.export results/NAME --arm "lora main" --to my-model            # the adapter
    python -m study.export results/NAME --arm "lora main" --to my-model --merged   # all weights
    python -m study.export results/NAME --arm "lora main" --to my-model --push-to-hub me/my-model

What is written is what from_pretrained reads. Pushing asks first.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from study.command_line import Parser, run_command
from study.errors import UserError, unknown_name
from study.results import ResultsFolder

METRICS = ("accuracy", "accuracy_strict", "accuracy_lenient", "rouge1", "perplexity", "similarity")


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(prog="python -m study.export", description="Export the model of an arm.")
    parser.add_argument("results", type=Path, help="the study's folder")
    parser.add_argument("--arm", required=True, help="the arm, as the table names it")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new folder to write")
    parser.add_argument("--merged", action="store_true", help="merge the adapter into the base model")
    parser.add_argument("--base", type=Path, help="where the base model is now, if it was moved")
    parser.add_argument("--push-to-hub", metavar="NAME", help="then push the folder to this Hub repository")
    return parser


def export(folder: ResultsFolder, arm: str, to: Path, *, merged: bool, base: Path | None = None) -> None:
    """Write the model of an arm to the new folder `to`, with its card.

    Raises:
        UserError: there is no such arm, it kept no model, its base is gone, or `to` exists.
    """
    description = folder.read_description()
    arms = {entry["label"]: entry for entry in description["arms"] if entry["search_trials"]}
    if arm not in arms:
        raise unknown_name("arm", arm, arms)
    kept = folder.model_path(arms[arm]["slug"])
    if not kept.is_dir():
        raise UserError(f"arm '{arm}' has kept no model: its confirm trials have not finished")
    if to.exists():
        raise UserError(f"'{to}' exists; --to takes a new folder")
    if merged:
        _write_merged(kept, to, base)
    else:
        shutil.copytree(kept, to)
    (to / "README.md").write_text(make_card(description, arms[arm], folder.read_trials(), merged=merged))


def make_card(
    description: Mapping[str, Any],
    arm: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    merged: bool,
) -> str:
    """Return the model card: what it is, how it was made, and the arm's measured table."""
    own = [row for row in rows if row["arm"] == arm["label"] and row["stage"] == "confirm"]
    own = [row for row in own if row["status"] == "complete"]
    first = min(own, key=lambda row: row["seed"])
    lines = [
        "---",
        f"base_model: {first['model']}",
        *([] if merged or first["method"] == "full" else ["library_name: peft"]),
        "---",
        "",
        f"# {first['model']}, fine-tuned: {arm['label']}",
        "",
        f"Made by the study `{description['study']}`, which asked: {description['space']['question']}",
        f"The model is that of seed {first['seed']}. Its recipe: {_recipe(first)}.",
        "",
        f"Measured on {first['questions']} test questions with {len(own)} seed(s):",
        "",
        "| metric | mean | " + " | ".join(f"seed {row['seed']}" for row in own) + " |",
        "|---|" + "---|" * (len(own) + 1),
        *(_metric_line(name, own) for name in METRICS),
        "",
        "Accuracy, strict and lenient accuracy and similarity in %, ROUGE-1 from 0 to 1. Lenient accuracy is",
        "no measure of skill: it is met by any output that holds the number's digits.",
        "",
        f'Ask it: `python -m study.ask . "your question"` (prompt style `{first["prompt_style"]}`).',
    ]
    return "\n".join(lines) + "\n"


def _recipe(row: Mapping[str, Any]) -> str:
    names = (
        ("method", "quantization", "rank", "alpha", "lora_dropout", "target_modules", "learning_rate")
        + ("second_rank", "second_alpha", "second_learning_rate", "second_max_steps", "second_epochs")
        + ("batch_size", "max_steps", "epochs", "variant", "prompt_style")
    )  # fmt: skip
    return ", ".join(f"{name} {row[name]}" for name in names if row[name] not in (None, "none"))


def _metric_line(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    values = [row[name] for row in rows]
    if None in values:
        return f"| {name} | not measured |" + " |" * len(values)
    cells = [f"{value:.4g}" for value in (mean(values), *values)]
    return f"| {name} | " + " | ".join(cells) + " |"


def _write_merged(kept: Path, to: Path, base: Path | None) -> None:
    from study.quiet import quiet_libraries
    from study.sources import Source
    from study.winner import TRIAL_FILE, load_merged

    quiet_libraries()
    model, tokenizer, _ = load_merged(kept, Source(base.name, base) if base else None)
    model.save_pretrained(to)
    tokenizer.save_pretrained(to)
    shutil.copy(kept / TRIAL_FILE, to)


def _push(folder: Path, name: str) -> None:
    answer = input(f"Push '{folder}' to the Hub as '{name}'? It may become public. [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        print("Not pushed.")
        return
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        api.create_repo(name, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=str(folder))
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"'{folder}' was written but could not be pushed to '{name}': {first}") from None
    print(f"Pushed to {name}.")


def _main(arguments: Sequence[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    export(ResultsFolder(options.results), options.arm, options.to, merged=options.merged, base=options.base)
    print(f"Written: {options.to}")
    if options.push_to_hub:
        _push(options.to, options.push_to_hub)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
