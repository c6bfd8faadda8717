"""Ask a model that a study made, or that was exported.

    python -m study.ask results/NAME/models/lora-main "Mia has 30 apples and eats 12. How many are left?"

Prints the working and the answer; for a program its value. Takes seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from study.answers import format_number, last_number
from study.command_line import Parser, run_command
from study.prompts import question_source
from study.sandbox import Sandbox


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(prog="python -m study.ask", description="Ask a fine-tuned model a question.")
    parser.add_argument("model", type=Path, help="a folder of RESULTS/models, or an exported one")
    parser.add_argument("question", help="the question; for a breakdown, its sub-questions on further lines")
    parser.add_argument("--base", type=Path, help="where the base model is now, if it was moved")
    return parser


def ask(model: Any, tokenizer: Any, config: Any, question: str) -> tuple[str, str | None]:
    """Return (the model's output, the number it comes to or None) for one question."""
    import torch

    from study.families import family_of

    family = family_of(model.config)
    (source,), _ = family.encode(tokenizer, [question_source(question, config.prompt_style)], [""])
    with torch.no_grad():
        output = family.generate(model.eval(), [source], tokenizer.pad_token_id, config.max_target_tokens)
    text = tokenizer.decode(output[0], skip_special_tokens=True).strip()
    if config.prompt_style == "python_code":
        with Sandbox() as sandbox:
            number = sandbox.run(text).value
    else:
        number = last_number(text)
    return text, None if number is None else format_number(number)


def _main(arguments: Sequence[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    from study.quiet import quiet_libraries
    from study.sources import Source
    from study.winner import load_merged

    quiet_libraries()
    base = Source(options.base.name, options.base) if options.base else None
    model, tokenizer, config = load_merged(options.model, base)
    text, number = ask(model, tokenizer, config, options.question)
    print(text)
    print(f"\nAnswer: {number}" if number is not None else "\nNo answer could be read.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
