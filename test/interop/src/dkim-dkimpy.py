"""dkimpy for dkim-script-peer.ts: one JSON request on standard input, one JSON answer on standard output."""

import base64
import json
import sys

import dkim


def signature(job):
    names = [name.lower().encode() for name in job["fields"]]
    return dkim.sign(
        base64.b64decode(job["message"]),
        job["selector"].encode(),
        job["domain"].encode(),
        job["privateKey"].encode(),
        canonicalize=(job["header"].encode(), job["body"].encode()),
        include_headers=names,
        signature_algorithm=job["algorithm"].encode(),
    )


def verdict(message, records):
    def txt(name, timeout=5):
        record = records.get(name.decode("latin-1").rstrip(".").lower())
        return None if record is None else record.encode("latin-1")

    try:
        passed = dkim.DKIM(message, minkey=1024).verify(dnsfunc=txt)
        return {"pass": passed, "detail": "verified" if passed else "not verified"}
    except Exception as error:  # what it does not foresee is no pass either
        return {"pass": False, "detail": f"{type(error).__name__}: {error}"}


request = json.load(sys.stdin)
answer = {
    "signatures": [base64.b64encode(signature(job)).decode() for job in request["jobs"]],
    "verdicts": [verdict(base64.b64decode(each), request["records"]) for each in request["messages"]],
}
json.dump(answer, sys.stdout)
