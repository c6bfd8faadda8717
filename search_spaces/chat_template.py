"""A chat model through its own chat template against plain text, by LoRA and by full fine-tuning.

    python -m study.run --space chat_template --model embedded-chat --data embedded-instructions \\
        --primary exact_match --shots 4 --replicates 3 --trials 1 --set max_steps=140    # 3 min on two cores

Four arms, each beside the base without training and with 4 examples before each question, put the same way.
As plain text a chat is what was said, turn by turn, and the answer follows on a line of its own.
"""

from study.space import Space

SPACE = Space(
    question="Does a chat model learn more through its own template, and is LoRA enough?",
    compare={"method": ["lora", "full"], "template": ["none", "chat"]},
    search=["rank", "alpha", "learning_rate"],
)
