"""Near-duplicate detection by other libraries: one library, one list of files, one line of JSON.

`codelupe-bench dedup --peers PYTHON` runs it; by hand: `python peers.py LIBRARY LIST`, where LIST is a file with a path a
line. A library that the Python lacks gives `{"missing": …}`.

Runs of five tokens, 25 bands of 10 rows, threshold 0.7. datasketch and rensa take shingles, not text, and get those of
codelupe, cut by Python; gaoya, text-dedup and datatrove cut text by themselves, into words. `sign_seconds` is the CPU time from text to
signatures, `total_seconds` that from text to the documents to remove. Pairs are (earlier, later) by place in the list.
"""

import collections
import json
import os
import re
import resource
import sys
import tempfile

THRESHOLD = 0.7
BANDS, ROWS = 25, 10

TOKEN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[^A-Za-z0-9_\x80-\xff \t\n\r\x0b\x0c]")


def cpu_seconds():
    """User and system time of this process and of those it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_bytes():
    """The most memory of this process, or of the largest that it has waited for. getrusage tells of this process what the
    one that started it held."""
    with open("/proc/self/status", encoding="ascii") as file:
        own = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    return 1024 * max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def shingles(text):
    """The distinct runs of five tokens, as bytes with a space between tokens."""
    tokens = TOKEN.findall(text)
    return list({b" ".join(run) for run in zip(*(tokens[i:] for i in range(5)))})


def streaming(texts, sign, index):
    """Signs all, then asks the index for each and adds it."""
    start = cpu_seconds()
    signatures = [sign(text) for text in texts]
    signed = cpu_seconds() - start
    pairs = []
    for doc, signature in enumerate(signatures):
        if signature is not None:
            pairs += [(of, doc) for of in index.query(signature)]
            index.insert(doc, signature)
    removed = sorted({doc for _, doc in pairs})
    return signed, cpu_seconds() - start, removed, pairs


def datasketch(scheme):
    def run(texts):
        from datasketch import MinHash, MinHashLSH

        def sign(text):
            cut = shingles(text)
            if not cut:
                return None
            signature = MinHash(num_perm=256, scheme=scheme)
            signature.update_batch(cut)
            return signature

        return streaming(texts, sign, MinHashLSH(num_perm=256, params=(BANDS, ROWS)))

    return run


def rensa(texts):
    from rensa import RMinHash, RMinHashLSH

    def sign(text):
        cut = shingles(text)
        if not cut:
            return None
        signature = RMinHash(num_perm=BANDS * ROWS, seed=42)
        signature.update(cut)
        return signature

    return streaming(texts, sign, RMinHashLSH(THRESHOLD, BANDS * ROWS, BANDS))


def gaoya(texts):
    """Its signatures never leave the index: signing is timed by filling one, and asking signs once more."""
    from gaoya.minhash import MinHashStringIndex

    strings = [text.decode("utf-8", "replace") for text in texts]
    start = cpu_seconds()
    index = MinHashStringIndex(32, THRESHOLD, BANDS, ROWS, None, "word", True, (5, 5))
    for doc, text in enumerate(strings):
        index.insert_document(doc, text)
    signed = cpu_seconds() - start
    pairs = [(of, doc) for doc, text in enumerate(strings) for of in index.query(text) if of < doc]
    removed = sorted({doc for _, doc in pairs})
    return signed, cpu_seconds() - start, removed, pairs


def members(clusters):
    """Every pair of documents with the same cluster, and all but the first of each."""
    groups = collections.defaultdict(list)
    for doc, cluster in clusters:
        groups[cluster].append(doc)
    groups = [sorted(group) for group in groups.values()]
    pairs = [(a, b) for group in groups for i, b in enumerate(group) for a in group[:i]]
    return sorted(doc for group in groups for doc in group[1:]), pairs


def text_dedup(texts):
    """The whole program in this process, from a file of JSON lines; signing is its own function over all texts."""
    import numpy
    from text_dedup import minhash

    strings = [text.decode("utf-8", "replace") for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "texts.jsonl")
        with open(source, "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}) + "\n" for text in strings)
        arguments = (
            f"--path json --data_files {source} --split train --cache_dir {folder}/cache --output {folder}/out --column text"
            f" --ngram 5 --num_perm {BANDS * ROWS} --b {BANDS} --r {ROWS} --threshold {THRESHOLD} --num_proc 1"
        )
        start = cpu_seconds()
        minhash.main.main(arguments.split(), standalone_mode=False)
        total = cpu_seconds() - start
    removed, pairs = members((doc, minhash.uf.find(doc)) for doc in range(len(strings)))
    generator = numpy.random.RandomState(42)
    size = (BANDS * ROWS,)
    prime = numpy.uint64((1 << 61) - 1)
    permutations = [generator.randint(low, prime, size=size, dtype=numpy.uint64) for low in (1, 0)]
    start = cpu_seconds()
    for doc, text in enumerate(strings):
        minhash.embed_func(
            text,
            doc,
            num_perm=BANDS * ROWS,
            ngram_size=5,
            min_length=5,
            hashranges=[(band * ROWS, (band + 1) * ROWS) for band in range(BANDS)],
            permutations=permutations,
            hash_func=minhash.sha1_hash,
            dtype=numpy.uint64,
            max_hash=numpy.uint32((1 << 32) - 1),
            modulo_prime=prime,
        )
    return cpu_seconds() - start, total, removed, pairs


def datatrove(texts):
    """Its three stages one after the other, in this process."""
    import struct

    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=5, num_buckets=BANDS, hashes_per_bucket=ROWS)
    strings = [text.decode("utf-8", "replace") for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        signatures, buckets, clusters = (os.path.join(folder, name) for name in ("signatures", "buckets", "clusters"))
        start = cpu_seconds()
        documents = (Document(text=text, id=str(doc)) for doc, text in enumerate(strings))
        MinhashDedupSignature(signatures, config).run(documents)
        signed = cpu_seconds() - start
        for bucket in range(BANDS):
            MinhashDedupBuckets(signatures, buckets, config=config).run(None, bucket, BANDS)
        MinhashDedupCluster(buckets, clusters, config, save_cluster_id=True).run()
        total = cpu_seconds() - start
        found = os.path.join(clusters, "000000.clusters")
        if not os.path.exists(found):
            return signed, total, [], []
        with open(found, "rb") as file:
            removed, pairs = members(struct.iter_unpack("<II", file.read()))
    return signed, total, removed, pairs


LIBRARIES = {
    "datasketch": datasketch("legacy"),
    "datasketch-affine32": datasketch("affine32"),
    "rensa": rensa,
    "gaoya": gaoya,
    "text-dedup": text_dedup,
    "datatrove": datatrove,
}


def main():
    library, paths = sys.argv[1:]
    texts = []
    with open(paths, "rb") as file:
        for path in file.read().splitlines():
            with open(path, "rb") as document:
                texts.append(document.read())
    try:
        signed, total, removed, pairs = LIBRARIES[library](texts)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    print(json.dumps({
        "sign_seconds": signed,
        "total_seconds": total,
        "peak_bytes": peak_bytes(),
        "removed": removed,
        "pairs": pairs,
    }))


main()
