"""LoRA under three prompt styles and two variants of the data (Figure 3 of the paper).

    python -m study.run --space cot_prompting                    # embedded: about twelve minutes on two cores
    python -m study.run --space cot_prompting --profile paper    # T5-small on GSM8K, a GPU

Six arms: the question with its breakdown, without it, and with a program to write; main and Socratic.
"""

from study.space import Space

SPACE = Space(
    question="Which prompt style makes LoRA reason best?",
    compare={
        "method": ["lora"],
        "prompt_style": ["with_breakdown", "without_breakdown", "python_code"],
        "variant": ["main", "socratic"],
    },
    search=["rank", "alpha", "learning_rate"],
)
