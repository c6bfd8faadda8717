"""Export the model of an arm: the adapter, or merged, with a card that says what was measured.

    python -m study.export results/NAME --arm "lora main" --to my-model            # the adapter
    python -m study.export results/NAME --arm "lora main" --to my-model --merged   # all weights
    python -m study.export results/NAME --arm "lora main" --to my-model --push-to-hub me/my-model

What is written is what from_pretrained reads: the card shows how. Stacked LoRA's two adapters lie in a folder
each. Pushing asks first, and makes a private repository.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from study.command_line import Parser, run_command
from study.config import TrialConfig
from study.errors import UserError, unknown_name
from study.machine.permissions import follow_umask
from study.protocol.description import check_exportable
from study.results.folder import ResultsFolder
from study.results.schema import TABLES
from study.sizes import count_of
from study.sources.finding import Source
from study.winner.card import Measured, make_card, own_metrics
from study.winner.card_code import loading_example
from study.winner.choosing import TRIAL_FILE
from study.winner.keeping import load_merged, read_trial_file, save_tokenizer


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(prog="python -m study.export", description="Export the model of an arm.")
    parser.add_argument("results", help="the study's folder, or its s3:// or gs:// address")
    parser.add_argument("--arm", required=True, help="the arm, as the table names it")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new folder to write")
    parser.add_argument("--merged", action="store_true", help="merge the adapter into the base model")
    parser.add_argument("--base", type=Path, help="where the base model is now, if it was moved")
    parser.add_argument("--push-to-hub", metavar="NAME", help="then push the folder to this Hub repository")
    return parser


def export(folder: ResultsFolder, arm: str, to: Path, *, merged: bool, base: Path | None = None) -> None:
    """Write the model of an arm to the new folder `to`, whole or not at all, with its card.

    Raises:
        UserError: there is no such arm, it kept no model, its base is gone, or `to` exists.
    """
    description = folder.read_description()
    check_exportable(description)
    arms = {entry["label"]: entry for entry in description["arms"] if entry["search_trials"]}
    if arm not in arms:
        raise unknown_name("arm", arm, arms)
    kept = folder.model_path(arms[arm]["slug"])
    folder.fetch(kept)
    if not kept.is_dir():
        raise UserError(_why_no_model(folder, arm, kept))
    if to.exists():
        raise UserError(f"'{to}' exists; --to takes a new folder")
    config, _ = read_trial_file(kept)
    measured = _confirmed(folder, arm, config, own_metrics(description, config))
    temporary = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}")
    try:
        if merged:
            write_merged(kept, temporary, base)
        else:
            shutil.copytree(kept, temporary)
        example = loading_example(temporary, config, measured.own)
        (temporary / "README.md").write_text(
            make_card(description, config, measured, example, merged=merged), encoding="utf-8"
        )
        follow_umask(temporary)
        os.replace(temporary, to)
    except OSError as error:
        raise UserError(f"'{to}' can't be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _why_no_model(folder: ResultsFolder, arm: str, kept: Path) -> str:
    rows = folder.read_trials(["arm", "stage", "status"])
    if not any((row["arm"], row["stage"], row["status"]) == (arm, "confirm", "complete") for row in rows):
        return f"arm '{arm}' has kept no model: none of them has been scored on the test split"
    return (
        f"the model of arm '{arm}' is gone: it has been scored, and its folder '{folder.place_of(kept)}' is "
        "missing; study.run --rerun TRIAL makes no model again, a copy of the results may have it"
    )


def _confirmed(folder: ResultsFolder, arm: str, config: TrialConfig, scores: Sequence[str]) -> Measured:
    """Return what was measured of an arm, and of the model that it kept.

    Args:
        scores: columns that the study's task has beside everybody's.

    Raises:
        UserError: the kept model has not been scored.
    """
    names = dict.fromkeys((*TABLES["trials"].names, *scores))
    rows = [row for row in folder.read_trials([*names]) if row["arm"] == arm and row["status"] == "complete"]
    confirmed = [row for row in rows if row["stage"] == "confirm"]
    confirmed.sort(key=lambda row: (row["replicate"] or 0, row["seed"]))
    own = [row for row in confirmed if config.trial_id in (row["trial"], row["trained_by"])]
    trained = [row for row in rows if row["trial"] == config.trial_id]
    if not own or not trained:
        raise UserError(f"arm '{arm}' has no measured model: the trial that made it has not finished")
    return Measured(own[0], trained[0], confirmed)


def write_merged(kept: Path, to: Path, base: Path | None) -> None:
    """Write a kept model to the folder `to`, with its adapters merged into the base.

    Raises:
        UserError: `kept` holds no kept model, or its base can't be read.
    """
    from study.quiet import quiet_libraries

    quiet_libraries()
    model, tokenizer, _ = load_merged(kept, Source(base.name, base) if base else None)
    model.save_pretrained(to)
    save_tokenizer(tokenizer, model, to)
    shutil.copy(kept / TRIAL_FILE, to)


def push(folder: Path, name: str) -> None:
    """Push an exported folder to the Hub, if the person says yes to what would be pushed.

    Raises:
        UserError: the Hub refused it or can't be reached; the folder stays.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    question = (
        f"Push {count_of(len(files), 'file')} ({size:.1f} MB) of '{folder}' to the Hub as '{name}'? "
        "A new repository is private. [y/N] "
    )
    try:
        answer = input(question)
    except EOFError:
        answer = ""  # nobody to ask
    if answer.strip().lower() not in ("y", "yes"):
        print("Not pushed.")
        return
    api = HfApi()
    try:
        api.create_repo(name, private=True, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=str(folder))
    except (HTTPError, OSError, ValueError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"'{folder}' was written but could not be pushed to '{name}': {first}") from None
    print(f"Pushed to {name}.")


def _check_hub_name(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(f"--push-to-hub: {str(error).splitlines()[0]}") from None


def _main(arguments: Sequence[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    if options.push_to_hub:
        _check_hub_name(options.push_to_hub)
    export(ResultsFolder(options.results), options.arm, options.to, merged=options.merged, base=options.base)
    print(f"Written: {options.to}")
    if options.push_to_hub:
        push(options.to, options.push_to_hub)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
