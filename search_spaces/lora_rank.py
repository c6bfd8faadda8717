"""How many ranks does LoRA need? Rank 2 to 64, each with its own learning rate and alpha.

    python -m study.run --space lora_rank                    # embedded: about twelve minutes on two cores
    python -m study.run --space lora_rank --profile paper    # T5-small on GSM8K, a GPU

Six arms on the main data. The learning rate is searched in every arm, because a rank that is tried
at another rank's learning rate loses for the wrong reason.
"""

from study.space import Space

SPACE = Space(
    question="Which LoRA rank is enough?",
    compare={"method": ["lora"], "rank": [2, 4, 8, 16, 32, 64]},
    search=["alpha", "learning_rate"],
)
