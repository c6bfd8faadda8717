"""Ask a model that a study made, or that was exported.

    python -m study.ask results/NAME/models/lora-main "Mia has 30 apples and eats 12. How many are left?"

Prints the working and the answer as its task reads it; for a program its value. Takes seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.answers.reading import answer_number, format_number
from study.command_line import Parser, run_command
from study.config import MATH
from study.errors import UserError
from study.printable import printable
from study.sandbox import Sandbox

if TYPE_CHECKING:
    from study.winner.asking import Asked


@dataclass(frozen=True)
class Reply:
    """What a model says to one question.

    Attributes:
        text: its output: the working.
        answer: what that comes to, as its task reads it, or None.
        reason: why there is none, or None; there is no reason where the output is the answer.
        lost_tokens: tokens of the input over the model's limit; its end was cut off.
    """

    text: str
    answer: str | None
    reason: str | None = None
    lost_tokens: int = 0


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(prog="python -m study.ask", description="Ask a fine-tuned model a question.")
    parser.add_argument("model", type=Path, help="a folder of RESULTS/models, or an exported one")
    parser.add_argument(
        "question", help="the question; for a breakdown, then a line 'Breakdown:' and a sub-question a line"
    )
    parser.add_argument("--task", metavar="FILE", help="the file of its task, where that is one of your own")
    parser.add_argument("--base", type=Path, help="where the base model is now, if it was moved")
    return parser


def ask(model: Any, tokenizer: Any, config: Any, question: str, asked: Asked | None = None) -> Reply:
    """Return a model's reply to one question, put to it as in its training, in the precision it has here.

    Args:
        asked: its task; None: worked problems.
    """
    import torch

    from study.machine.hardware import pick_precision
    from study.models.families import family_of
    from study.trial.encoding import encode_conversations
    from study.trial.evaluation import autocast, until_end, without_end
    from study.winner.asking import Asked

    asked, family = asked or Asked(), family_of(model.config)
    (read,) = encode_conversations([asked.conversation(question, config)], config, tokenizer, family)
    precision = pick_precision(config.precision, use_gpu=model.device.type == "cuda")
    with torch.no_grad(), autocast(precision, model.device.type):
        sources: list[Sequence[int]] = [read.source]
        limit = config.max_target_tokens
        output = family.generate(model.eval(), sources, tokenizer.pad_token_id, limit)
    ends = model.generation_config.eos_token_id
    said = without_end(until_end(output[0].tolist(), ends), ends)
    text = tokenizer.decode(said, skip_special_tokens=True).strip()
    if asked.name == MATH:
        answer, reason = _number_of(text, config.prompt_style)
    else:
        answer, is_read = asked.read(text, question)
        reason = "its task could read none" if is_read and answer is None else None
    return Reply(text, answer, reason, read.lost_tokens)


def _number_of(text: str, prompt_style: str) -> tuple[str | None, str | None]:
    """Return (the number that an output comes to or None, why there is none)."""
    if prompt_style == "python_code":
        with Sandbox() as sandbox:
            result = sandbox.run(text)
        number = None if result.value is None else Fraction(result.value)
        reason = f"the program ended as {result.outcome.replace('_', ' ')}: {result.detail}"
    else:
        number = answer_number(text)
        reason = "no number could be read"
    return (None, reason) if number is None else (format_number(number), None)


def _main(arguments: Sequence[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    if not options.question.strip():
        raise UserError("the question is empty")
    from study.quiet import quiet_libraries
    from study.sources.finding import Source
    from study.winner.asking import read_asked
    from study.winner.keeping import load_kept

    quiet_libraries()
    asked = read_asked(options.model, options.task)
    base = Source(options.base.name, options.base) if options.base else None
    model, tokenizer, config = load_kept(options.model, base)
    reply = ask(model, tokenizer, config, options.question, asked)
    if reply.lost_tokens:
        print(
            f"Note: the question is longer than the model was trained on (max_source_tokens="
            f"{config.max_source_tokens}): {reply.lost_tokens} tokens at its end were cut off.\n"
        )
    print(printable(reply.text))
    if reply.answer is not None:
        print(f"\nAnswer: {printable(reply.answer)}")
    elif reply.reason is not None:
        print(f"\nNo answer: {reply.reason}.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
