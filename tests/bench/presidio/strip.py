"""presidio-structured with a fixed mapping over the messages of the benchmark.

No analyser runs and no model is loaded: the mapping says for each key what is done, as its
documentation has it for data whose columns are known. Reads from standard input one JSON object
with `messages` (texts), `redact` and `hash` (keys of the mapping), and prints CPU microseconds per
message, the median of blocks: of the mapping that empties, of the whole mapping, and of parsing
before it.
"""

import json
import os
import statistics
import sys
import time

from presidio_anonymizer.entities import OperatorConfig
from presidio_structured import JsonDataProcessor, StructuredEngine
from presidio_structured.config import StructuredAnalysis

OPERATORS = {
    "WITHHELD": OperatorConfig("redact"),
    "REFERENCE": OperatorConfig("hash", {"hash_type": "sha256", "salt": os.urandom(16)}),
}


# bodies are mapped soon after they were read, as in use
BLOCK = 64


def mapping(redact, hashed):
    entities = {key: "WITHHELD" for key in redact} | {key: "REFERENCE" for key in hashed}
    return StructuredAnalysis(entity_mapping=entities)


def timed(action, items):
    start = time.process_time()
    for item in items:
        action(item)
    return (time.process_time() - start) * 1e6 / len(items)


def main():
    job = json.load(sys.stdin)
    texts, redact, hashed = job["messages"], job["redact"], job["hash"]
    engine = StructuredEngine(JsonDataProcessor())
    figures = {}
    for name, analysis in [
        ("empty", mapping(redact, [])),
        ("all", mapping(redact, hashed)),
    ]:
        took = []
        for start in range(0, len(texts), BLOCK):
            bodies = [json.loads(text) for text in texts[start : start + BLOCK]]
            took.append(
                timed(lambda body: engine.anonymize(body, analysis, dict(OPERATORS)), bodies)
            )
        figures[name] = statistics.median(took)
    for text in job["withheld"]:
        assert text not in json.dumps(bodies[0]), "a withheld value came out"
    figures["parse"] = min(timed(json.loads, texts) for _ in range(3))
    print(json.dumps(figures))


main()
