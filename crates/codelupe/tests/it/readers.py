"""Reads a build and its JSON lines with pyarrow, DuckDB and datasets, as they are, and compares counts with the manifest.

Run by the slow suite: python readers.py BUILD_FOLDER JSONL_FOLDER (packages: pyarrow duckdb datasets zstandard).
"""

import glob
import json
import sys

import duckdb
import pyarrow.parquet as pq
from datasets import load_dataset

build, lines = sys.argv[1:]
manifest = json.load(open(f"{build}/manifest.json"))
wanted = {split["name"]: split["total"]["files"] for split in manifest["splits"]}
corpus = load_dataset(build)
for split, files in wanted.items():
    shards = sorted(glob.glob(f"{build}/{split}/*.parquet"))
    assert bool(shards) == bool(files), split
    if not shards:
        continue
    assert sum(pq.read_table(shard).num_rows for shard in shards) == files, split
    groups = [pq.ParquetFile(shard).metadata.row_group(n) for shard in shards for n in range(pq.ParquetFile(shard).num_row_groups)]
    assert max(group.total_byte_size for group in groups) <= 32_000_000, "row groups are at most 32 MB"
    assert duckdb.sql(f"SELECT count(*) FROM '{build}/{split}/*.parquet'").fetchall() == [(files,)], split
    name = "test" if split == "held_out" else split
    assert corpus[name].num_rows == files, split
    texts = load_dataset("json", data_files=sorted(glob.glob(f"{lines}/{split}/*.jsonl.zst")), split="train")
    assert texts.num_rows == files, split
    assert texts[0]["content"] == corpus[name][0]["content"], split
print("read", wanted)
