"""What trains, what it counts, and the two ways in which 4-bit weights go wrong on a CPU without a word."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import bitsandbytes as bnb
import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from study.config import TrialConfig
from study.engine.launch import notes
from study.engine.slots import Slots
from study.errors import UserError
from study.models.adapters import load_adapters
from study.models.building import build_base, build_model, builder_of, with_all_adapters
from study.models.counting import count_parameters, shipped_bytes
from study.models.loading import load_tokenizer
from study.plan.making import make_plan
from study.plan.request import Request
from study.sources.finding import Source
from study.trial.evaluation import score_targets
from study.trial.tokenised import load_examples
from study.winner.keeping import load_merged, saver
from study.workplace import Workplace
from tests.cases.models.composed import bert_to_bert, gemma3_with_eyes, t5gemma
from tests.cases.models.tiny import Make, saved

Maker = Callable[..., TrialConfig]


def t5(d_model: int, d_ff: int, heads: int, layers: int) -> T5ForConditionalGeneration:
    """A T5 of the published shape, without weights."""
    with torch.device("meta"):
        return T5ForConditionalGeneration(
            T5Config(
                vocab_size=32128, d_model=d_model, d_ff=d_ff, num_heads=heads, num_layers=layers, d_kv=64
            )
        )


@pytest.mark.parametrize(
    ("shape", "trainable", "total"),
    [((512, 2048, 8, 6), 294_912, 60_506_624), ((768, 3072, 12, 12), 884_736, 222_903_552)],
    ids=["t5-small", "t5-base"],
)
def test_the_papers_adapter_has_its_parameters(
    config_for: Maker, shape: tuple[int, int, int, int], trainable: int, total: int
) -> None:
    model = t5(*shape)
    assert count_parameters(model) == (total, total)
    model = with_all_adapters(model, config_for("lora", rank=8, target_modules="q,v"))
    assert count_parameters(model) == (trainable, total + trainable)


@pytest.mark.parametrize(("quantization", "kind"), [("nf4", "Linear4bit"), ("int8", "Linear8bitLt")])
def test_a_quantised_model_counts_elements_and_keeps_wo_and_the_head(
    config_for: Maker, workplace: Workplace, quantization: str, kind: str
) -> None:
    plain = build_model(config_for("lora"), workplace)
    quantised = build_model(config_for("qlora", quantization=quantization), workplace)
    assert count_parameters(quantised) == count_parameters(plain)
    kinds = {name: type(module).__name__ for name, module in quantised.named_modules()}
    assert kind in kinds.values()
    kept = [name for name in kinds if name.endswith(("wo", "lm_head"))]
    assert kept
    assert all(kinds[name] == "Linear" for name in kept)


@pytest.mark.parametrize(
    ("method", "use_gpu", "optimizer"),
    [
        ("qlora", True, "paged_adamw_32bit"),
        ("qlora", False, "adamw_torch"),
        ("lora", True, "adamw_torch"),
        ("full", True, "adamw_torch"),
    ],
)
def test_the_optimizer_is_paged_for_qlora_on_a_gpu(
    config_for: Maker, workplace: Workplace, method: str, use_gpu: bool, optimizer: str
) -> None:
    place = dataclasses.replace(workplace, use_gpu=use_gpu)
    assert builder_of(config_for(method)).optimizer(config_for(method), place) == optimizer


def test_a_cpu_without_paged_adamw_is_told() -> None:
    def told(space: str, gpus: float) -> bool:
        lines = notes(make_plan(Request(space)), Slots(count=1, cpus=1, gpus=gpus))
        return any("QLoRA runs on a CPU here: with plain AdamW" in line for line in lines)

    assert told("lora_vs_qlora", gpus=0)
    assert not told("lora_vs_qlora", gpus=1)
    assert not told("full_vs_lora", gpus=0)


def test_an_adapter_ships_its_own_weights_alone(config_for: Maker, workplace: Workplace) -> None:
    config = config_for("lora")
    model = build_model(config, workplace)
    assert shipped_bytes(model, config) == 4 * count_parameters(model)[0]


def test_an_unknown_target_module_is_refused(config_for: Maker, workplace: Workplace) -> None:
    with pytest.raises(UserError, match="target_modules 'query'"):
        build_model(config_for("lora", target_modules="query"), workplace)


def gradient_norm(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> float:
    """The norm of the adapter's gradient after one training step's backward pass."""
    model.train()
    model.zero_grad()
    model(**batch).loss.backward()
    return float(sum(p.grad.norm() ** 2 for p in model.parameters() if p.grad is not None)) ** 0.5


def batch_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"input_ids": torch.randint(3, 1000, (4, 12)), "labels": torch.randint(3, 1000, (4, 9))}


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_qlora_goes_on_learning_after_an_evaluation(
    config_for: Maker, workplace: Workplace, quantization: str
) -> None:
    config = config_for("qlora", quantization=quantization)
    model = build_model(config, workplace)
    before = gradient_norm(model, batch_of(model))
    score_targets(model, load_examples(config, workplace, "validation"), 0, "fp32")
    after = gradient_norm(model, batch_of(model))
    assert after > 0
    assert after == pytest.approx(before, rel=1e-3)


def test_the_kernel_without_a_backward_pass_is_off(config_for: Maker, workplace: Workplace) -> None:
    """Holds the cure on every machine: only CPUs with AVX512-BF16 show the fault itself."""
    import bitsandbytes as bnb

    model = build_model(config_for("qlora"), workplace)
    layers = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    assert layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)


@pytest.mark.filterwarnings("ignore:Merge lora module to 4-bit linear:UserWarning")
def test_qlora_merges_right_after_an_evaluation(config_for: Maker, workplace: Workplace) -> None:
    config = config_for("qlora")
    model = build_model(config, workplace)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
    score_targets(model, load_examples(config, workplace, "validation"), 0, "fp32")
    batch = batch_of(model)
    model.eval()
    with torch.no_grad():
        expected = model(**batch).logits
        merged = model.merge_and_unload()(**batch).logits
        base = build_model(config_for("zero_shot"), workplace).eval()(**batch).logits
    # Merging quantises the sum again: off by the grain of 4 bits, and nearer than the base is.
    error = (merged - expected).abs().mean()
    assert error < 0.1 * expected.abs().mean()
    assert error < (base - expected).abs().mean()


@pytest.mark.parametrize("make", [saved("biogpt"), saved("phi3"), bert_to_bert, t5gemma])
def test_the_head_stays_as_it_is_whatever_it_is_called(
    make: Make, workplace: Workplace, config_for: Maker, tmp_path: Path
) -> None:
    make(tmp_path)
    place = dataclasses.replace(workplace, model=Source("mine", tmp_path))
    model = build_base(config_for("qlora", model="mine"), place)
    assert any(isinstance(module, bnb.nn.Linear4bit) for module in model.modules())
    assert not isinstance(model.get_output_embeddings(), bnb.nn.Linear4bit)


@pytest.mark.parametrize("make", [saved("mixtral"), saved("phi3"), saved("umt5")])
def test_query_and_value_carry_an_adapter_in_every_type(
    make: Make, workplace: Workplace, config_for: Maker, tmp_path: Path
) -> None:
    """peft refuses its own choice for Mixtral, and knows none for the others."""
    make(tmp_path)
    place = dataclasses.replace(workplace, model=Source("mine", tmp_path))
    config = config_for("stacked_lora", model="mine", target_modules="query-value")
    model = with_all_adapters(build_base(config, place), config)
    names = [name for name, _ in model.named_parameters() if ".lora_A." in name]
    adapted = {name.partition(".lora_A")[0].rpartition(".")[2] for name in names}
    assert adapted in ({"q_proj", "v_proj"}, {"qkv_proj"}, {"q", "v"})
    firsts, seconds = ([name for name in names if f".{part}." in name] for part in ("first", "second"))
    assert len(firsts) == len(seconds) == len(names) / 2 > 0


def test_what_sees_gets_no_adapter(workplace: Workplace, config_for: Maker, tmp_path: Path) -> None:
    gemma3_with_eyes(tmp_path)
    place = dataclasses.replace(workplace, model=Source("mine", tmp_path))
    for targets in ("all-linear", "query-value"):
        config = config_for("lora", model="mine", target_modules=targets)
        model = with_all_adapters(build_base(config, place), config)
        adapted = [name for name, _ in model.named_parameters() if "lora_A" in name]
        assert adapted
        assert not [name for name in adapted if "vision" in name or "projector" in name]


@pytest.mark.parametrize("content", [b"", b"x" * 50, None])
def test_a_broken_adapter_is_one_line(
    content: bytes | None, workplace: Workplace, config_for: Maker, tmp_path: Path
) -> None:
    config = config_for("lora")
    model = build_model(config, workplace)
    saver(tmp_path / "kept", config, workplace.model)(model, load_tokenizer(workplace.model))
    file = tmp_path / "kept" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-50] if content is None else content)
    for read in (lambda: load_adapters(model, tmp_path / "kept"), lambda: load_merged(tmp_path / "kept")):
        with pytest.raises(UserError, match=r"adapter in .* can't be read: .*copy them again") as caught:
            read()
        assert "\n" not in str(caught.value)
