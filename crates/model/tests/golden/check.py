"""Loads what we wrote with transformers and peft, and compares logits and a completion.

    cargo run -p codelupe-model --example export -- qwen /tmp/out && python check.py qwen /tmp/out
"""
import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

name, out = sys.argv[1], pathlib.Path(sys.argv[2])
answers = json.loads((out / "answers.json").read_text())
ids = torch.tensor([answers["tokens"]])


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def compare(what, model, ours):
    with torch.no_grad():
        theirs = model(ids).logits[0]
    ours = torch.tensor(ours).reshape(theirs.shape)
    difference = (theirs - ours).abs().max().item() / theirs.abs().max().item()
    print(f"{name} {what}: logits differ by {difference:.2e} of the largest")
    assert difference < 1e-4


base = pathlib.Path(__file__).resolve().parent / name
adapted = PeftModel.from_pretrained(load(base), out / "adapter").eval()
compare("adapter", adapted, answers["adapter"])
with torch.no_grad():
    loss = adapted(input_ids=ids, labels=ids).loss.item()
print(f"{name} loss: {loss:.6f} there, {answers['loss']:.6f} here")
assert abs(loss - answers["loss"]) < 1e-4
prompt = ids[:, :4]
text = adapted.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), do_sample=False, eos_token_id=None,
                        pad_token_id=0, max_new_tokens=len(answers["completion"]))[0, 4:].tolist()
same = sum(a == b for a, b in zip(text, answers["completion"]))
print(f"{name} completion: {same} of {len(text)} tokens are the same")
assert text == answers["completion"]
compare("adapter, merged there", adapted.merge_and_unload(), answers["adapter"])
compare("adapter, merged here", load(out / "merged"), answers["adapter"])
compare("all weights", load(out / "full"), answers["full"])
