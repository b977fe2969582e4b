"""What other programs find in a corpus, counted as `sandgate plugin eval` counts: others.py WHICH FILE.jsonl

Prints JSON: {"all": {"positive", "found", "benign", "flagged"}, "spans": {TYPE: {"all", "found"}}, "us": median}.
A span is found if four fifths of its characters are in what was found.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time


def cpex_pii():
    from cpex_pii_filter import PIIDetectorRust

    kinds = "ssn bsn credit_card email phone ip_address date_of_birth passport driver_license bank_account medical_record"
    detector = PIIDetectorRust({f"detect_{kind}": True for kind in kinds.split()} | {"max_text_bytes": 10485760})
    return lambda text: [(one["start"], one["end"]) for all in detector.detect(text).values() for one in all]


def cpex_secrets(everything):
    from cpex_secrets_detection import py_scan_container

    sure = "aws_access_key_id aws_secret_access_key google_api_key github_token stripe_secret_key slack_token private_key_block"
    more = "generic_api_key_assignment jwt_like hex_secret_32 base64_24"
    enabled = {kind: True for kind in sure.split()} | {kind: everything for kind in more.split()}
    config = {"enabled": enabled, "redact": True, "redaction_text": "*", "block_on_detection": False}
    return lambda text: [(0, 0)] * py_scan_container(text, config)[0]


def detect_secrets():
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    # As its command does: a file, with all its filters. A line alone is searched for anything that could be a secret.
    file = pathlib.Path(tempfile.mkdtemp()) / "text.txt"

    def find(text):
        file.write_text(text)
        collection = SecretsCollection()
        with default_settings():
            collection.scan_file(str(file))
        return [(0, 0)] * sum(len(found) for _, found in collection.data.items())

    return find


def scrubadub():
    import scrubadub as library

    scrubber = library.Scrubber()
    return lambda text: [(one.beg, one.end) for one in scrubber.iter_filth(text)]


def presidio():
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    class Words(NlpEngine):
        """Words alone: the recognisers with patterns, checksums and context, and no language model."""

        def __init__(self):
            self.nlp = spacy.blank("en")

        def load(self):
            pass

        def is_loaded(self):
            return True

        def process_text(self, text, language):
            tokens = self.nlp(text)
            lemmas = [token.text.lower() for token in tokens]
            return NlpArtifacts([], tokens, [token.idx for token in tokens], lemmas, self, language)

        def process_batch(self, texts, language, **_):
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word, language):
            return False

        def is_punct(self, word, language):
            return not word.isalnum()

        def get_supported_entities(self):
            return []

        def get_supported_languages(self):
            return ["en"]

    engine = AnalyzerEngine(nlp_engine=Words(), supported_languages=["en"])
    return lambda text: [(one.start, one.end) for one in engine.analyze(text, "en", score_threshold=0.35)]


WHICH = {
    "cpex-pii-filter": cpex_pii,
    "presidio-analyzer": presidio,
    "scrubadub": scrubadub,
    "cpex-secrets-detection": lambda: cpex_secrets(False),
    "cpex-secrets-detection, all on": lambda: cpex_secrets(True),
    "detect-secrets": detect_secrets,
}


def main(which, path):
    find = WHICH[which]()
    counts = {"positive": 0, "found": 0, "benign": 0, "flagged": 0}
    spans, took = {}, []
    for line in open(path, newline="\n", encoding="utf-8"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        begun = time.perf_counter()
        found = find(row["text"])
        took.append(time.perf_counter() - begun)
        if row["label"] == "benign":
            counts["benign"] += 1
            counts["flagged"] += bool(found)
        elif row["label"] in ("pii", "secret", "attack"):
            covered = {at for start, end in found for at in range(start, end)}
            all_found = bool(found)
            for span in row.get("spans", []):
                within = range(span["start"], span["end"])
                hit = sum(at in covered for at in within) >= 0.8 * len(within)
                entry = spans.setdefault(span["type"], {"all": 0, "found": 0})
                entry["all"] += 1
                entry["found"] += hit
                all_found &= hit
            counts["positive"] += 1
            counts["found"] += all_found
    print(json.dumps({"all": counts, "spans": spans, "us": statistics.median(took) * 1e6}))


main(sys.argv[1], sys.argv[2])
