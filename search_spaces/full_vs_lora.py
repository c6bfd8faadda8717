"""Full fine-tuning against LoRA on both variants: what do 100 times fewer trained weights cost?

    python -m study.run --space full_vs_lora                    # embedded: minutes on two cores
    python -m study.run --space full_vs_lora --profile paper    # T5-small on GSM8K, a GPU

Four arms. Each method searches its learning rate in its own range: full fine-tuning wants about a tenth
of LoRA's. LoRA's rank and alpha are searched too.
"""

from study.space import Space

SPACE = Space(
    question="Is LoRA as accurate as full fine-tuning?",
    compare={"method": ["lora", "full"], "variant": ["main", "socratic"]},
    search=["rank", "alpha", "learning_rate"],
)
