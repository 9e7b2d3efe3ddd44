"""Reads lines {"schema": ..., "body": ...} and says which body its published schema does not admit.

A second implementation of JSON Schema, in another language: it knows nothing of the gateway. The
place of a fault is told, never a value.
"""
import json
import sys

from jsonschema import Draft202012Validator

validators, bodies, bad = {}, 0, 0
for line in sys.stdin:
    case = json.loads(line)
    if "text" in case:
        schema = json.loads(case["text"])
        Draft202012Validator.check_schema(schema)
        validators[case["schema"]] = Draft202012Validator(schema)
        continue
    bodies += 1
    for fault in validators[case["schema"]].iter_errors(case["body"]):
        bad += 1
        print("/" + "/".join(map(str, fault.absolute_path)), fault.validator)
print(f"{bodies} bodies under {len(validators)} schemas, {bad} faults", file=sys.stderr)
sys.exit(1 if bad else 0)
