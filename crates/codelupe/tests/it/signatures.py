"""Checks exported signatures with datasketch and DuckDB.

Run by the slow suite: python signatures.py OURS SKETCH JSONL_FOLDER (packages: pyarrow duckdb datasketch zstandard). OURS and
SKETCH are files of `codelupe signatures export` of one corpus, the second by datasketch-legacy with 64 values; JSONL_FOLDER has
the texts of the survivors.
"""

import collections
import glob
import io
import json
import re
import sys

import duckdb
import numpy
import pyarrow.parquet as pq
import zstandard
from datasketch import MinHash

ours, sketch, lines = sys.argv[1:]
TOKEN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[^A-Za-z0-9_\x80-\xff \t\n\r\x0b\x0c]")


def values(path):
    table = pq.read_table(path)
    rows = zip(table["blob"].to_pylist(), table["signature"].to_pylist(), strict=True)
    return {blob: numpy.frombuffer(signature, "<u4") for blob, signature in rows}


# The band join of DuckDB over the keys, and pairs whose ten values of some band are equal.
joined = duckdb.sql(
    f"""WITH bands AS (SELECT blob, unnest(range(len(keys))) AS band, unnest(keys) AS key FROM '{ours}')
    SELECT DISTINCT hex(a.blob), hex(b.blob) FROM bands a JOIN bands b USING (band, key) WHERE a.blob < b.blob"""
).fetchall()
joined = {(bytes.fromhex(a), bytes.fromhex(b)) for a, b in joined}
groups = collections.defaultdict(list)
for blob, signature in values(ours).items():
    assert len(signature) == 256
    for band in range(25):
        groups[band, signature[10 * band : 10 * band + 10].tobytes()].append(blob)
wanted = {(a, b) for group in groups.values() for a in group for b in group if a < b}
assert joined == wanted and wanted, (len(joined), len(wanted))

# The signatures of datasketch, made from the texts by datasketch itself.
exported = values(sketch)
compared = 0
for path in glob.glob(f"{lines}/*/*.jsonl.zst"):
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            record = json.loads(line)
            tokens = TOKEN.findall(record["content"].encode())
            if len(tokens) < 5:
                continue
            minhash = MinHash(num_perm=64, seed=1, scheme="legacy")
            for shingle in {b" ".join(tokens[i : i + 5]) for i in range(len(tokens) - 4)}:
                minhash.update(shingle)
            assert (exported[bytes.fromhex(record["blob"])] == minhash.hashvalues).all(), record["path"]
            compared += 1
assert compared > 100, compared
print("compared", compared, "signatures and", len(joined), "pairs")
