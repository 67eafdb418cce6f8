"""Measures training steps of an adapter with torch, transformers and peft, as `examples/step.rs` of codelupe-model measures ours.

    OMP_NUM_THREADS=1 python torch_step.py FOLDER ROWS LENGTH STEPS [checkpoint]
"""
import os
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

folder, rows, length, steps = sys.argv[1], *map(int, sys.argv[2:5])
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
model.config.use_cache = False
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, bias="none", task_type="CAUSAL_LM", target_modules=targets))
if "checkpoint" in sys.argv:
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
model.train()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)
vocabulary = model.config.vocab_size
for step in range(steps + 1):
    if step == 1:
        cpu, wall = time.process_time(), time.time()
    ids = (torch.arange(rows * length) * 7919 + step * 104729).remainder(vocabulary).reshape(rows, length)
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
cpu, wall = time.process_time() - cpu, time.time() - wall
tokens, peak = rows * length * steps, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"torch {rows}x{length}: {tokens / cpu:.1f} tok/cpu-s, {tokens / wall:.1f} tok/s, peak {peak} MB, loss {loss.item():.4f}")
