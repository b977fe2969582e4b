"""Presidio's analyzer on loopback, with its pattern recognisers and no language model.

    presidio_server.py PORT

Port 0 takes a free one. Prints its endpoint's URL when it is ready, and ends when its stdin does. Answers `POST /analyze`
as Presidio's own server does: one text with a list of entities, a list of texts with a list for each. `GET /asked` tells
how many requests and texts there were.
"""

import http.server
import json
import os
import sys
import threading

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)


class Blank(NlpEngine):
    """Splits into words and knows nothing else: what the patterns need for their context, without a model."""

    def __init__(self):
        self.nlp = {"en": spacy.blank("en")}

    def load(self):
        pass

    def is_loaded(self):
        return True

    def is_stopword(self, word, language):
        return self.nlp[language].vocab[word].is_stop

    def is_punct(self, word, language):
        return self.nlp[language].vocab[word].is_punct

    def get_supported_languages(self):
        return list(self.nlp)

    def get_supported_entities(self):
        return []

    def process_text(self, text, language):
        words = self.nlp[language](text)
        return NlpArtifacts(
            entities=[],
            tokens=words,
            tokens_indices=[word.idx for word in words],
            # No lemmas without a model.
            lemmas=[word.text.lower() for word in words],
            nlp_engine=self,
            language=language,
        )

    def process_batch(self, texts, language, **_):
        for text in texts:
            yield text, self.process_text(text, language)


def engine():
    # The list of suffixes that the package brings: none is fetched.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    registry = RecognizerRegistry(
        recognizers=[
            CreditCardRecognizer(),
            EmailRecognizer(),
            IbanRecognizer(),
            IpRecognizer(),
            PhoneRecognizer(),
            UsSsnRecognizer(),
        ],
        supported_languages=["en"],
    )
    return AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/asked":
            self.answer(200, {"requests": self.server.requests, "texts": self.server.texts})
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/analyze":
            return self.answer(404, {"error": "no such page"})
        try:
            asked = json.loads(body)
            text = asked["text"]
            texts = text if isinstance(text, list) else [text]
            found = [self.entities(one, asked) for one in texts]
        except (KeyError, TypeError, ValueError) as error:
            return self.answer(500, {"error": type(error).__name__})
        with self.server.lock:
            self.server.requests += 1
            self.server.texts += len(texts)
        self.answer(200, found if isinstance(text, list) else found[0])

    def entities(self, text, asked):
        found = self.server.engine.analyze(
            text=text,
            language=asked["language"],
            entities=asked.get("entities"),
            score_threshold=asked.get("score_threshold"),
        )
        return [one.to_dict() for one in found]

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.lock = threading.Lock()
    server.engine, server.requests, server.texts = engine(), 0, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/analyze", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
