"""Writes the golden files of this folder with torch, transformers and peft.

    python make.py            # needs torch 2.11, transformers 5.17, peft 0.21; takes seconds

Two tiny models with random weights, `qwen` (Qwen2: biases, tied head, bf16) and `llama` (Llama: no biases, own head, a
head width that is not hidden / heads, f16), each with a LoRA whose B is not zero. For each: logits, loss and every
gradient of a batch in which two samples share a row, and the losses of 20 steps of AdamW.
"""
import json
import math
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
SHARED = dict(num_hidden_layers=2, rms_norm_eps=1e-6, max_position_embeddings=128, rope_parameters=ROPE)
STEPS, PEAK, WARMUP, CLIP, DECAY = 20, 5e-3, 5, 0.5, 0.01


def qwen():
    config = Qwen2Config(hidden_size=64, num_attention_heads=4, num_key_value_heads=2, intermediate_size=112,
                         vocab_size=512, tie_word_embeddings=True, use_sliding_window=False, **SHARED)
    return Qwen2ForCausalLM(config), torch.bfloat16


def llama():
    config = LlamaConfig(hidden_size=48, num_attention_heads=3, num_key_value_heads=1, head_dim=24,
                         intermediate_size=80, vocab_size=256, tie_word_embeddings=False, **SHARED)
    return LlamaForCausalLM(config), torch.float16


def randomize(model):
    """Norms and biases that are not trivial, and weights large enough for every mistake to show."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):
                value.normal_(0, 0.1)
            elif "norm" in name:
                value.add_(torch.randn_like(value) * 0.1)
            else:
                value.normal_(0, 0.08)


def batch(vocab, generator):
    """Two rows of 16: samples of 7 and 9 tokens, and one of 16 of which the first 6 are not learned."""
    ids = torch.randint(0, vocab, (32,), generator=generator)
    learned = torch.ones(32, dtype=torch.bool)
    learned[16:22] = False
    return ids, learned


def run(model, ids, learned, bounds=(0, 7, 16, 32)):
    """Sum of the losses, number of learned tokens and all logits, sample by sample."""
    total, count, logits = 0.0, 0, []
    for start, end in zip(bounds, bounds[1:]):
        out = model(input_ids=ids[None, start:end]).logits[0]
        logits.append(out)
        keep = learned[start + 1:end]
        total = total + torch.nn.functional.cross_entropy(out[:-1][keep], ids[start + 1:end][keep], reduction="sum")
        count += int(keep.sum())
    return total, count, torch.cat(logits)


def rate(step):
    """Warm-up, then a cosine down to a tenth."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return PEAK * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress)))


def curve(model, vocab):
    """The mean losses of 20 steps, the norms of their gradients, and the tokens."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK, betas=(0.9, 0.999), eps=1e-8, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(3)
    tokens, losses, norms = [], [], []
    for step in range(STEPS):
        ids, learned = batch(vocab // 8, generator)
        total, count, _ = run(model, ids, learned)
        (total / count).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, CLIP)))
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total.item() / count)
        tokens.append(ids)
    return {"curve.tokens": torch.stack(tokens).int(), "curve.losses": torch.tensor(losses),
            "curve.norms": torch.tensor(norms)}


def probe(value):
    """What is kept of a large gradient: its norm, its product with cos(i), and its first 32 values."""
    flat = value.flatten().double()
    wave = torch.cos(torch.arange(flat.numel(), dtype=torch.float64))
    return torch.cat([flat.norm()[None], (flat @ wave)[None], flat[:32]]).float()


def make(name, build):
    torch.manual_seed(0)
    model, dtype = build()
    randomize(model)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    # Loaded again, and not widened in place: the frequencies of positions would stay narrow.
    model = type(model).from_pretrained(folder, dtype=torch.float32).train()
    vocab = model.config.vocab_size
    ids, learned = batch(vocab, torch.Generator().manual_seed(1))
    total, count, plain = run(model, ids, learned)
    (total / count).backward()
    golden = {f"full.{n}": probe(p.grad) for n, p in model.named_parameters()}
    golden |= {"tokens": ids.int(), "full.loss": (total / count).detach()[None],
               "base.logits": plain.detach()[:16:5].contiguous()}
    model.zero_grad()
    lora = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
                                            target_modules=TARGETS))
    with torch.no_grad():
        for n, p in lora.named_parameters():
            if "lora_B" in n:
                p.normal_(0, 0.05)
    lora.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    total, count, logits = run(lora, ids, learned)
    (total / count).backward()
    golden |= {f"lora.{n.replace('.default', '')}": p.grad for n, p in lora.named_parameters() if p.requires_grad}
    golden |= {"lora.loss": (total / count).detach()[None], "lora.logits": logits.detach()}
    lora.zero_grad()
    golden |= curve(lora, vocab)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    save_file({n: v.clone().contiguous() for n, v in golden.items()}, folder / "golden.safetensors")
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = name
    config["target_modules"].sort()
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    make("qwen", qwen)
    make("llama", llama)
