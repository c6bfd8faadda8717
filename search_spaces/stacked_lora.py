"""Stacked LoRA against LoRA: does a second adapter, trained on code, help with math?

    python -m study.run --space stacked_lora                    # embedded: minutes on two cores
    python -m study.run --space stacked_lora --profile paper    # T5-small on GSM8K and CodeFeedback, a GPU

Two arms with the same budget on the math data; stacked LoRA then freezes its adapter, keeps it active, and
trains a second one on the code data. Searched are both adapters' ranks, alphas and learning rates, and the
second phase's steps; the first phase's are the budget, the same in both arms.
"""

from study.space import Space

SPACE = Space(
    question="Does a second adapter trained on code make LoRA better at math?",
    compare={"method": ["lora", "stacked_lora"]},
    search=[
        *("rank", "alpha", "learning_rate"),
        *("second_rank", "second_alpha", "second_learning_rate", "second_max_steps"),
    ],
)
