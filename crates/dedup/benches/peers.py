"""Near-duplicates among 3,000 real files by other libraries, against the exact similarity of all pairs.

How to run it, from the root of the repository:

    cargo fetch
    cargo build --release -p codelupe-dedup --example real_files
    python3 -m venv target/peers
    target/peers/bin/pip install datasketch==2.0.0 rensa==0.5.0 gaoya==0.2.2 scipy
    target/peers/bin/python crates/dedup/benches/peers.py target/release/examples/real_files

The files are those that the example lists: whole crates that cargo has unpacked, version bumps among them. Everyone
gets the same shingles (runs of five tokens, as the crate cuts them), 256 permutations (250 where the number of bands
must divide it) and 25 bands of 10 rows. Two Markdown tables are printed: the pairs found, and the CPU time of one
process from text to signature (user and system, rounds alternate, median of 3).
"""

import re
import resource
import statistics
import subprocess
import sys

import numpy
from datasketch import MinHash, MinHashLSH
from gaoya.minhash import MinHashStringIndex
from rensa import RMinHash, RMinHashLSH
from scipy.sparse import csr_matrix

THRESHOLD = 0.7
BANDS, ROWS = 25, 10
ROUNDS = 3

TOKEN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[^A-Za-z0-9_\x80-\xff \t\n\r\x0b\x0c]")


def shingles(text):
    """The distinct runs of five tokens, as bytes with a space between tokens."""
    tokens = TOKEN.findall(text)
    return list({b" ".join(run) for run in zip(*(tokens[i:] for i in range(5)))})


def exact_pairs(sets):
    """The Jaccard similarity of every pair (lower, higher) that reaches the threshold."""
    numbers = {}
    columns = [numbers.setdefault(shingle, len(numbers)) for shingles in sets for shingle in shingles]
    sizes = numpy.array([len(shingles) for shingles in sets])
    starts = numpy.concatenate(([0], numpy.cumsum(sizes)))
    ones = numpy.ones(len(columns), dtype=numpy.int32)
    matrix = csr_matrix((ones, columns, starts), shape=(len(sets), len(numbers)))
    shared = (matrix @ matrix.T).tocoo()
    similarity = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    near = (shared.row < shared.col) & (similarity >= THRESHOLD)
    pairs = zip(shared.row[near].tolist(), shared.col[near].tolist(), strict=True)
    return dict(zip(pairs, similarity[near].tolist(), strict=True))


def pairs_of(queries):
    """Pairs (lower, higher) out of the answers to one query a document."""
    return {(min(doc, of), max(doc, of)) for doc, answer in enumerate(queries) for of in answer if of != doc}


def datasketch_pairs(sets):
    signatures = MinHash.bulk(sets, num_perm=256)
    index = MinHashLSH(num_perm=256, params=(BANDS, ROWS))
    for doc, signature in enumerate(signatures):
        index.insert(doc, signature)
    found = pairs_of(index.query(signature) for signature in signatures)
    return found, {pair for pair in found if signatures[pair[0]].jaccard(signatures[pair[1]]) >= THRESHOLD}


def rensa_pairs(sets):
    signatures = []
    for shingles in sets:
        signatures.append(RMinHash(num_perm=BANDS * ROWS, seed=42))
        signatures[-1].update(shingles)
    index = RMinHashLSH(THRESHOLD, BANDS * ROWS, BANDS)
    for doc, signature in enumerate(signatures):
        index.insert(doc, signature)
    found = pairs_of(index.query(signature) for signature in signatures)
    return found, {pair for pair in found if signatures[pair[0]].jaccard(signatures[pair[1]]) >= THRESHOLD}


def gaoya_pairs(sets):
    def index(threshold):
        return MinHashStringIndex(32, threshold, BANDS, ROWS, None, analyzer=lambda shingles: shingles)

    # Byte for byte the same shingles: the library wants strings.
    strings = [[shingle.decode("latin-1") for shingle in shingles] for shingles in sets]
    answers = []
    for threshold in (0.0, THRESHOLD):
        all_documents = index(threshold)
        for doc, shingles in enumerate(strings):
            all_documents.insert_document(doc, shingles)
        answers.append(pairs_of(all_documents.query(shingles) for shingles in strings))
    return answers


def own_pairs(program):
    lines = subprocess.run([program, "candidates"], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    candidates = {(int(a), int(b)): float(jaccard) for a, b, jaccard in rows}
    return set(candidates), {pair for pair, jaccard in candidates.items() if jaccard >= THRESHOLD}


def print_pairs(program, sets):
    truth = exact_pairs(sets)
    unequal = {pair for pair, jaccard in truth.items() if jaccard < 1.0}
    print(f"{len(truth)} pairs of similarity {THRESHOLD} or over, {len(unequal)} of them under 1\n")
    print("| library | pairs by | found | right | precision | recall | recall under J = 1 |")
    print("|---|---|---|---|---|---|---|")
    for name, checked, (candidates, reported) in [
        ("codelupe", "exact Jaccard", own_pairs(program)),
        ("datasketch", "estimate", datasketch_pairs(sets)),
        ("rensa", "estimate", rensa_pairs(sets)),
        ("gaoya", "estimate", gaoya_pairs(sets)),
    ]:
        for how, found in [("shared band", candidates), (f"shared band, {checked} >= {THRESHOLD}", reported)]:
            right = found & set(truth)
            print(
                f"| {name} | {how} | {len(found)} | {len(right)} | {len(right) / len(found):.3f} "
                f"| {len(right) / len(truth):.3f} | {len(right & unequal) / len(unequal):.3f} |"
            )


def datasketch_sign(sets):
    for shingles in sets:
        MinHash(num_perm=256).update_batch(shingles)


def rensa_sign(sets):
    for shingles in sets:
        signature = RMinHash(num_perm=256, seed=42)
        signature.update(shingles)
        signature.digest()


def gaoya_sign(texts):
    """The library has no signature alone: this puts every document into an index, with its own words, in runs of five."""
    index = MinHashStringIndex(32, THRESHOLD, BANDS, ROWS, None, "word", False, (5, 5))
    for doc, text in enumerate(texts):
        index.insert_document(doc, text)


def cpu_seconds(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def cpu_time(work, who=resource.RUSAGE_SELF):
    before = cpu_seconds(who)
    work()
    return cpu_seconds(who) - before


def own_sign(program):
    """The time of ten rounds over the files: that of eleven, less that of one, which has the start and the reading."""
    def time(count):
        return cpu_time(
            lambda: subprocess.run([program, "sign", str(count)], check=True, capture_output=True),
            resource.RUSAGE_CHILDREN,
        )

    return (time(11) - time(1)) / 10


def print_speed(program, texts, sets):
    strings = [text.decode("utf-8", "replace") for text in texts]
    runs = {
        "codelupe": lambda: own_sign(program),
        "gaoya, own tokens and shingles": lambda: cpu_time(lambda: gaoya_sign(strings)),
        "rensa, shingles by Python": lambda: cpu_time(lambda: rensa_sign(map(shingles, texts))),
        "datasketch, shingles by Python": lambda: cpu_time(lambda: datasketch_sign(map(shingles, texts))),
        "rensa, shingles given": lambda: cpu_time(lambda: rensa_sign(sets)),
        "datasketch, shingles given": lambda: cpu_time(lambda: datasketch_sign(sets)),
    }
    seconds = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            seconds[name].append(run())
    size = sum(len(text) for text in texts) / 1e6
    print(f"\n{size:.1f} MB of text\n\n| library | CPU seconds, {ROUNDS} rounds | MB/s by the median |\n|---|---|---|")
    for name, times in seconds.items():
        listed = ", ".join(f"{time:.3f}" for time in times)
        print(f"| {name} | {listed} | {size / statistics.median(times):.1f} |")


def main():
    program = sys.argv[1]
    listed = subprocess.run([program, "list"], check=True, capture_output=True).stdout
    texts = []
    for path in listed.splitlines():
        with open(path, "rb") as file:
            texts.append(file.read())
    print(f"{len(texts)} files", flush=True)
    sets = [shingles(text) for text in texts]
    print_pairs(program, sets)
    sys.stdout.flush()
    print_speed(program, texts, sets)


main()
