"""Trains as a job of CodeLupe says: `train.py job.json`. What it tells goes to stdout, one JSON object a line.

`train.py --probe` only says which versions of what are there. Under torchrun or accelerate every process takes its part
of the rows of a step; the one of rank 0 talks and writes. The engine `native` of CodeLupe does the same, step by step.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import shutil
import signal
import sys
import threading
import time
import traceback

VERSION = 1
RANK, WORLD, LOCAL_RANK = (int(os.environ.get(name, other)) for name, other in
                           (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
# Skipped steps in a row after which the learning rate is halved, and after which training ends: as `native`.
SKIPPED_UNTIL_LOWERED, SKIPPED_UNTIL_STOPPED = 2, 6
# Predictions whose logits are in memory at once.
PREDICTIONS_AT_ONCE = 1024
MASK64 = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15

STOP = threading.Event()
TALK = threading.Lock()
# What libraries print must not get between the lines of the protocol.
LINES = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


class Failure(Exception):
    """Training cannot go on; `kind` is one of those that the engine knows."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def tell(event, **fields):
    if RANK == 0:
        with TALK:
            print(json.dumps({"event": event, **fields}), file=LINES, flush=True)


def beat(seconds, parent):
    """Says that this process lives, and ends it when the one that started it does not."""
    last = 0.0
    while True:
        if os.getppid() != parent:
            os._exit(1)
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            try:
                tell("heartbeat")
            except OSError:
                os._exit(1)
        time.sleep(min(1.0, seconds))


def hello():
    import numpy, peft, safetensors, torch, transformers  # noqa: E401, F401
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    tell("hello", version=VERSION, torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__,
         cuda=names, bf16=has_bf16())


def has_bf16():
    """Whether there is a GPU that computes in bf16 by itself."""
    import torch
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


# --- Numbers that are those of the Rust side -------------------------------------------------------------------------


def mix(value):
    """SplitMix64, as `job.rs`."""
    z = (value + GAMMA) & MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def rows_of_step(job, step, rows):
    """The rows of a step: `EngineJob::rows_of_step`."""
    stride = max(int(rows * 0.618033988749895), 1)
    while math.gcd(stride, rows) != 1:
        stride += 1
    count, found = job["rows_per_step"], []
    for place in range(step * count, (step + 1) * count):
        epoch, place = divmod(place, rows)
        found.append((place * stride + mix(job["seed"] ^ mix(epoch)) % rows) % rows)
    return found


def rate(schedule, step):
    """The learning rate of a step counted from zero: `Schedule::rate`."""
    if step < schedule["warmup"]:
        return schedule["peak"] * (step + 1) / schedule["warmup"]
    falling = max(schedule["steps"] - schedule["warmup"], 1)
    progress = min((step - schedule["warmup"]) / falling, 1.0)
    return schedule["peak"] * (schedule["floor"] + (1 - schedule["floor"]) * 0.5 * (1 + math.cos(math.pi * progress)))


def uniform(seed, name, shape):
    """What a new A of LoRA starts with, the same as in `native`: within 1 / sqrt(inputs)."""
    import numpy as np
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) & MASK64
    with np.errstate(over="ignore"):
        z = np.arange(2, math.prod(shape) + 2, dtype=np.uint64) * np.uint64(GAMMA) + np.uint64(seed ^ hashed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    values = (z >> np.uint64(11)).astype(np.float64) / (1 << 53)
    return ((2 * values - 1) / math.sqrt(shape[1])).astype(np.float32).reshape(shape)


class Rows:
    """The packed rows of a dataset, mapped; `codelupe-samples/src/shard.rs` has the format."""

    SPAN = [("start", "<u4"), ("length", "<u4"), ("language", "<u2"), ("kind", "u1"), ("zero", "u1")]

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        summary = json.loads((folder / "dataset.json").read_text())
        self.length = summary["config"]["sequence_length"]
        self.shards = [self.open(folder / entry["file"]) for entry in summary["shards"]]
        self.count = sum(len(tokens) for tokens, *_ in self.shards)

    def open(self, path):
        import numpy as np
        bytes_ = np.memmap(path, np.uint8, "r")
        if bytes_[:8].tobytes() != b"CLSAMPLE" or int(bytes_[8:12].view("<u4")[0]) != 1:
            raise Failure("data", f"{path} is no shard of version 1")
        rows, spans = (int(value) for value in bytes_[16:32].view("<u8"))
        parts, at = [], 64
        for kind, shape in (("<u4", (rows, self.length)), ("<u4", (rows + 1,)), (self.SPAN, (spans,)),
                            ("u1", (rows, (self.length + 7) // 8))):
            size = math.prod(shape) * np.dtype(kind).itemsize
            parts.append(bytes_[at:at + size].view(kind).reshape(shape))
            at += size
        return parts

    def row(self, number):
        """Tokens, the number of the sample that each belongs to, its position in it, whether it is learned."""
        import numpy as np
        for tokens, firsts, spans, masks in self.shards:
            if number < len(tokens):
                break
            number -= len(tokens)
        spans = spans[firsts[number]:firsts[number + 1]]
        ends = np.append(spans["start"] + spans["length"], self.length)
        places = np.arange(self.length)
        sample = np.searchsorted(ends, places, side="right")
        starts = np.concatenate(([0], ends))[sample]
        learned = np.unpackbits(masks[number], bitorder="little")[:self.length].astype(bool) & (places > starts)
        return tokens[number].astype(np.int64), sample, places - starts, learned


# --- The model -------------------------------------------------------------------------------------------------------


def load(job, settings, device, dtype):
    """The model with what is to be trained; all of that is f32."""
    import torch, transformers  # noqa: E401
    auto, options = transformers.AutoModelForCausalLM, {}
    if device.type == "cuda" and has("liger_kernel"):
        from liger_kernel.transformers import AutoLigerKernelForCausalLM as auto
    lora = job["lora"]
    if settings.quantize == "nf4":
        if lora is None:
            raise Failure("model", "all weights cannot be trained while they are quantized")
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype)
        options["device_map"] = {"": device}
    flash = device.type == "cuda" and dtype == torch.bfloat16 and has("flash_attn")
    model = auto.from_pretrained(
        job["base"], dtype=torch.float32 if lora is None else dtype, local_files_only=True,
        attn_implementation="flash_attention_2" if flash else "sdpa", **options)
    if settings.quantize == "none" and not settings.shard:
        model.to(device)
    model.config.use_cache = False
    if job["recompute"]:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model = model if lora is None else adapt(job, model)
    if settings.shard:
        shard(model, job, settings, device)
    return model, flash


def shard(model, job, settings, device):
    """Spreads the frozen weights of the layers over all processes (FSDP2); each layer is put together when it is passed.
    What is trained stays whole everywhere, since it is small."""
    import torch
    from torch.distributed.fsdp import fully_shard
    if job["lora"] is None:
        raise Failure("model", "all weights cannot be trained while they are spread over processes")
    if settings.quantize != "none":
        raise Failure("model", "a quantized base cannot be spread over processes")
    if job["rows_per_step"] % WORLD:
        raise Failure("model", f"rows_per_step is {job['rows_per_step']}; it must be a multiple of the {WORLD} processes")
    kept = {values for values in model.parameters() if values.requires_grad}
    mesh = torch.distributed.device_mesh.init_device_mesh(device.type, (WORLD,))
    for layer in model.get_base_model().get_decoder().layers:
        fully_shard(layer.to(device), mesh=mesh, reshard_after_forward=True, ignored_params=kept)
    model.to(device)


def adapt(job, model):
    import peft, torch  # noqa: E401
    if job["adapter"] is not None:
        return peft.PeftModel.from_pretrained(model, job["adapter"], is_trainable=True)
    lora = job["lora"]
    alpha = int(lora["alpha"]) if float(lora["alpha"]).is_integer() else lora["alpha"]
    model = peft.get_peft_model(model, peft.LoraConfig(
        task_type="CAUSAL_LM", r=lora["rank"], lora_alpha=alpha, lora_dropout=lora["dropout"],
        target_modules=lora["targets"]))
    with torch.no_grad():
        for name, values in trained(model):
            if ".lora_A." in name:
                values.copy_(torch.from_numpy(uniform(job["seed"], name, values.shape)))
    return model


def trained(model):
    """What is trained, by the names that files have for it."""
    return [(name.replace(".default.", "."), values) for name, values in model.named_parameters() if values.requires_grad]


def has(module):
    import importlib.util
    return importlib.util.find_spec(module) is not None


def is_short_of_memory(error):
    import torch
    text = str(error)
    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text.lower()))


@contextlib.contextmanager
def failing(kind, what):
    """Gives errors a kind, but for those of memory."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if is_short_of_memory(error):
            raise
        raise Failure(kind, f"{what}: {type(error).__name__}: {error}"[:4000]) from error


# --- The work --------------------------------------------------------------------------------------------------------


class Training:
    def __init__(self, job, settings):
        import torch
        self.job, self.torch = job, torch
        on_gpu = torch.cuda.is_available()
        self.device = torch.device("cuda", LOCAL_RANK) if on_gpu else torch.device("cpu")
        if on_gpu:
            torch.cuda.set_device(self.device)
        if WORLD > 1:
            torch.distributed.init_process_group("nccl" if on_gpu else "gloo")
        self.dtype = torch.bfloat16 if has_bf16() else torch.float32
        with failing("data", "samples cannot be read"):
            self.train = Rows(job["train"])
            self.validation = Rows(job["validation"]) if job["validation"] else None
        # Every process passes each layer as often as any other: the weights come from all of them.
        self.in_step = settings.shard
        with failing("model", "the model cannot be loaded"):
            self.model, self.flash = load(job, settings, self.device, self.dtype)
        self.plain = self.model if job["lora"] is None else self.model.get_base_model()
        # Whether logits are the head's product and nothing more.
        self.plain_head = not any(getattr(self.plain.config, name, None) for name in
                                  ("final_logit_softcapping", "logit_scale", "logits_scaling"))
        self.names, self.values = map(list, zip(*trained(self.model)))
        self.optimizer = self.new_optimizer()
        self.model.train()
        self.folder = pathlib.Path(job["checkpoint"]) / "torch"
        self.progress = {"step": 0, "applied": 0, "rate_scale": 1.0, "skipped": 0, "best": None, "worse": 0,
                         "rows_at_once": min(job["rows_at_once"], job["rows_per_step"]), "best_is_apart": False}

    def new_optimizer(self):
        config = self.job["optimizer"]
        matrices = [values for values in self.values if values.ndim > 1]
        vectors = [values for values in self.values if values.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": config["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
        return self.torch.optim.AdamW(groups, lr=0.0, betas=(config["beta1"], config["beta2"]), eps=config["epsilon"],
                                      fused=self.device.type == "cuda")

    def run(self):
        self.restore()
        job, progress = self.job, self.progress
        tell("started", step=progress["step"], parameters=sum(values.numel() for values in self.values))
        if progress["step"] == 0 and job["validation_steps"]:
            self.validate()
        while progress["step"] < job["steps"] and not self.is_stale():
            if not self.step():
                self.save()
                return
            last = progress["step"] == job["steps"]
            if last or due(progress["step"], job["validation_steps"]):
                self.validate()
            if last or self.is_stale() or due(progress["step"], job["checkpoint_steps"]):
                self.save()
        self.finish()
        tell("done", ended="early" if self.is_stale() else "all_steps")

    def is_stale(self):
        """Whether the validation loss has not fallen for too long."""
        return self.job["patience"] > 0 and self.progress["worse"] >= self.job["patience"]

    def step(self):
        """Takes a step, or skips it; false when training is to stop before it."""
        job, progress, started = self.job, self.progress, time.monotonic()
        rows = rows_of_step(job, progress["step"], self.train.count)
        while True:
            nll, tokens, short, stopped = self.gather(rows)
            if stopped:
                return False
            if not short:
                break
            self.shrink()
        learning_rate = rate(job["schedule"], progress["step"]) * progress["rate_scale"]
        norm = self.reduce(tokens)
        progress["step"] += 1
        loss = nll / max(tokens, 1)
        if tokens == 0 or not math.isfinite(norm) or not math.isfinite(loss):
            self.skip(rows)
            return True
        self.apply(norm, learning_rate)
        progress["skipped"] = 0
        tell("step", step=progress["step"], loss=loss, grad_norm=norm, learning_rate=learning_rate,
             tokens=len(rows) * self.train.length, seconds=time.monotonic() - started)
        return True

    def gather(self, rows):
        """Gradients of the sum over all learned tokens: nats, tokens, and over all processes who is short of memory or is
        to stop."""
        # What dropout leaves out depends on the step alone, so that it is the same after a break.
        self.torch.manual_seed(mix(self.job["seed"] ^ mix(self.progress["step"] * WORLD + RANK)) >> 1)
        total = self.torch.zeros(4, dtype=self.torch.float64)
        mine, at_once = rows[RANK::WORLD], self.progress["rows_at_once"]
        self.optimizer.zero_grad(set_to_none=True)
        try:
            for first in range(0, len(mine), at_once):
                if STOP.is_set() and not self.in_step:
                    break
                nll, tokens = self.nll(self.train, mine[first:first + at_once])
                if tokens or self.in_step:
                    nll.backward()
                total[0] += nll.item()
                total[1] += tokens
        except (RuntimeError, MemoryError) as error:
            if not is_short_of_memory(error) or self.in_step:
                raise
            total[2] = 1
        total[3] = STOP.is_set()
        nll, tokens, short, stopped = self.agree(total).tolist()
        return nll, int(tokens), bool(short), bool(stopped)

    def agree(self, values):
        """The sums of some numbers over all processes."""
        if WORLD > 1:
            values = values.to(self.device)
            self.torch.distributed.all_reduce(values)
        return values

    def shrink(self):
        self.optimizer.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            self.torch.cuda.empty_cache()
        if self.progress["rows_at_once"] == 1:
            raise Failure("memory", "memory is short with one row in it")
        self.progress["rows_at_once"] //= 2
        tell("memory", rows_at_once=self.progress["rows_at_once"])

    def reduce(self, tokens):
        """Makes the mean gradient over all processes and tokens; its norm."""
        torch = self.torch
        for values in self.values:
            if values.grad is None:
                values.grad = torch.zeros_like(values)
        gradients = [values.grad for values in self.values]
        if WORLD > 1:
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            torch.distributed.all_reduce(flat)
            for gradient, summed in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
                gradient.copy_(summed.view_as(gradient))
        torch._foreach_mul_(gradients, 1.0 / max(tokens, 1))
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()

    def apply(self, norm, learning_rate):
        scale = min(self.job["optimizer"]["max_grad_norm"] / (norm + 1e-6), 1.0)
        self.torch._foreach_mul_([values.grad for values in self.values], scale)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.progress["applied"] += 1

    def skip(self, rows):
        """Notes a step whose gradient is not finite: skips, then lowers the rate, then stops."""
        progress = self.progress
        progress["skipped"] += 1
        if progress["skipped"] >= SKIPPED_UNTIL_STOPPED:
            raise Failure("diverged", f"the gradient is not finite, {progress['skipped']} steps in a row; the last is step "
                          f"{progress['step']} with the rows {rows} of the samples")
        if progress["skipped"] >= SKIPPED_UNTIL_LOWERED:
            progress["rate_scale"] /= 2
        tell("skipped", step=progress["step"], rows=rows, rate_scale=progress["rate_scale"])

    def nll(self, dataset, numbers):
        """The loss of rows, summed over their learned tokens, and how many those are."""
        import numpy as np
        torch = self.torch
        tokens, sample, places, learned = (
            torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*map(dataset.row, numbers)))
        predicts = torch.zeros_like(learned)
        predicts[:, :-1] = learned[:, 1:]
        targets = tokens[learned]
        with torch.autocast("cuda", self.dtype) if self.dtype == torch.bfloat16 else contextlib.nullcontext():
            inputs = self.flash_inputs(tokens, places) if self.flash else self.masked_inputs(tokens, sample, places)
            hidden = self.hidden_or_logits(inputs).reshape(*tokens.shape, -1)[predicts]
            total = 0
            for part, target in zip(hidden.split(PREDICTIONS_AT_ONCE), targets.split(PREDICTIONS_AT_ONCE)):
                total = total + torch.utils.checkpoint.checkpoint(self.cross_entropy, part, target, use_reentrant=False)
        return total, len(targets)

    def masked_inputs(self, tokens, sample, places):
        causal = self.torch.ones(tokens.shape[1], tokens.shape[1], dtype=self.torch.bool, device=self.device).tril()
        mask = (sample[:, None, :, None] == sample[:, None, None, :]) & causal
        return {"input_ids": tokens, "position_ids": places, "attention_mask": mask}

    def flash_inputs(self, tokens, places):
        """All rows as one, for attention that takes the starts of samples instead of a mask."""
        places = places.reshape(1, -1)
        starts = (places[0] == 0).nonzero()[:, 0].to(self.torch.int32)
        ends = self.torch.nn.functional.pad(starts, (0, 1), value=places.shape[1])
        longest = int(places.max()) + 1
        return {"input_ids": tokens.reshape(1, -1), "position_ids": places, "attention_mask": None, "cu_seq_lens_q": ends,
                "cu_seq_lens_k": ends, "max_length_q": longest, "max_length_k": longest}

    def hidden_or_logits(self, inputs):
        if self.plain_head:
            decoder = getattr(self.plain, self.plain.base_model_prefix)
            return decoder(**inputs, use_cache=False).last_hidden_state
        return self.plain(**inputs, use_cache=False).logits

    def cross_entropy(self, part, targets):
        logits = self.plain.get_output_embeddings()(part) if self.plain_head else part
        return self.torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")

    def validate(self):
        if self.validation is None:
            return
        job, progress = self.job, self.progress
        total = self.torch.zeros(2, dtype=self.torch.float64)
        self.model.eval()
        with self.torch.no_grad():
            rows = min(self.validation.count, job["validation_rows"])
            for first in range(0, rows, WORLD):
                if first + RANK >= rows and not self.in_step:
                    break
                nll, tokens = self.nll(self.validation, [min(first + RANK, rows - 1)])
                if first + RANK < rows:
                    total += self.torch.tensor([nll.item(), tokens], dtype=self.torch.float64)
        self.model.train()
        nll, tokens = self.agree(total).tolist()
        if tokens == 0:
            return
        loss = nll / tokens
        best = math.isfinite(loss) and (progress["best"] is None or loss < progress["best"])
        if best:
            progress.update(best=loss, worse=0, best_is_apart=progress["step"] < job["steps"])
            if progress["best_is_apart"]:
                self.save_result(self.folder / "best")
        else:
            progress["worse"] += 1
        if math.isfinite(loss):
            tell("validated", step=progress["step"], loss=loss, best=best)
        else:
            tell("warning", text=f"the validation loss after step {progress['step']} is {loss}")

    # --- Files: whole or not at all ---

    def save(self):
        from safetensors.torch import save_file
        if RANK == 0:
            tensors = {f"value.{name}": values.data for name, values in zip(self.names, self.values)}
            for name, values in zip(self.names, self.values):
                state = self.optimizer.state.get(values, {})
                for part, key in (("first_moment", "exp_avg"), ("second_moment", "exp_avg_sq")):
                    tensors[f"{part}.{name}"] = state.get(key, self.torch.zeros_like(values))
            with whole_folder(self.folder / str(self.progress["step"])) as partial:
                save_file({name: values.contiguous().cpu() for name, values in tensors.items()},
                          partial / "state.safetensors")
                (partial / "progress.json").write_text(json.dumps(self.progress))
            for older in checkpoints(self.folder)[:-1]:
                shutil.rmtree(self.folder / str(older))
            tell("checkpoint", step=self.progress["step"])

    def restore(self):
        from safetensors.torch import load_file
        found = checkpoints(self.folder)
        if not found:
            return
        folder = self.folder / str(found[-1])
        at_once = self.progress["rows_at_once"]
        self.progress = json.loads((folder / "progress.json").read_text())
        self.progress["rows_at_once"] = min(at_once, self.progress["rows_at_once"])
        tensors = load_file(folder / "state.safetensors")
        states = {}
        for name, values in zip(self.names, self.values):
            values.data.copy_(tensors[f"value.{name}"])
            if self.progress["applied"]:
                states[id(values)] = {"step": self.torch.tensor(float(self.progress["applied"])),
                                      "exp_avg": tensors[f"first_moment.{name}"],
                                      "exp_avg_sq": tensors[f"second_moment.{name}"]}
        order = [values for group in self.optimizer.param_groups for values in group["params"]]
        state = {number: states[id(values)] for number, values in enumerate(order) if id(values) in states}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def finish(self):
        """Puts the best result into its place."""
        out, best = pathlib.Path(self.job["out"]), self.folder / "best"
        if not self.progress["best_is_apart"]:
            self.save_result(out)
        elif RANK == 0 and best.is_dir():
            shutil.rmtree(out, ignore_errors=True)
            os.rename(best, out)
            sync(out.parent)

    def save_result(self, folder):
        if RANK != 0:
            return
        with whole_folder(folder) as partial:
            if self.job["lora"] is None:
                self.model.save_pretrained(partial)
                return
            self.model.peft_config["default"].base_model_name_or_path = self.job["base_name"]
            self.model.save_pretrained(partial, save_embedding_layers=False)
            (partial / "README.md").unlink(missing_ok=True)


def due(step, every):
    return every > 0 and step % every == 0


def checkpoints(folder):
    """The steps that can be gone on from, in order."""
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdigit())


@contextlib.contextmanager
def whole_folder(folder):
    """A folder that gets its name when all of it is on the disk, in place of an older one."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    for path in [*partial.iterdir(), partial]:
        sync(path)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(partial, folder)
    sync(folder.parent)


def sync(path):
    number = os.open(path, os.O_RDONLY)
    os.fsync(number)
    os.close(number)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("job", nargs="?")
    parser.add_argument("--probe", action="store_true")
    parser.add_argument("--quantize", choices=["none", "nf4"], default="none")
    parser.add_argument("--shard", action="store_true")
    parser.add_argument("--heartbeat", type=float, default=10.0, help="seconds between signs of life")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    threading.Thread(target=beat, args=(arguments.heartbeat, os.getppid()), daemon=True).start()
    try:
        hello()
        if arguments.probe:
            return 0
        import torch.utils.checkpoint  # noqa: F401
        from transformers.utils import logging
        logging.disable_progress_bar()
        job = json.loads(pathlib.Path(arguments.job).read_text())
        Training(job, arguments).run()
    except Failure as failure:
        tell("failed", kind=failure.kind, text=str(failure))
        return 1
    except Exception as error:  # The engine is to know of whatever it is.
        traceback.print_exc()
        kind = "memory" if "torch" in sys.modules and is_short_of_memory(error) else "other"
        tell("failed", kind=kind, text=f"{type(error).__name__}: {error}"[:4000])
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Without waiting for other threads: everything is written.
    os._exit(code)
