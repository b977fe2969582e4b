"""A registry of images on loopback, over files: `PATH` of a request below `/v2/` is a file below `v2`.

Its first line of output is its port. Files beside `v2` change it: `token` (a token that is asked for, and the login that it
is given for, a line each; to push, it is asked for anew), `away` (where blobs are instead), `huge` (manifests never end),
`upload` (where blobs are uploaded to instead), `closed` (nothing is taken).
"""

import base64
import hashlib
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def read(name):
    try:
        with open(name, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def take(self, path, query):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if read("closed") is not None:
            return self.answer(403)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        repository, kind, reference = path.rsplit("/", 2)
        if self.command == "POST":
            upload = (read("upload") or b"").decode().strip()
            return self.answer(202, Location=f"{upload}{path}1?state=x")
        if kind == "uploads":
            if query != "state=x&digest=" + digest.replace(":", "%3A"):
                return self.answer(400)
            names = [f"{repository}/{digest}"]
        else:
            names = [f"{repository}/manifests/{digest}", f"{repository}/manifests/{reference}"]
        for name in names:
            os.makedirs(os.path.dirname(name.lstrip("/")), exist_ok=True)
            with open(name.lstrip("/"), "wb") as file:
                file.write(body)
        return self.answer(201)

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        self.do_GET()

    def do_PUT(self):
        self.do_GET()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        given = self.headers.get("Authorization", "-")
        verb = "" if self.command == "GET" else self.command + " "
        with open("asked", "a", encoding="utf-8") as log:
            log.write(f"{verb}{path} {given}\n")
        host = f"127.0.0.1:{self.server.server_port}"
        locked = read("token")
        if locked:
            token, login = locked.decode().split()
            if path == "/token":
                basic = "Basic " + base64.b64encode(login.encode()).decode()
                if given != basic or "scope=repository%3Anotes%3Apull" not in query:
                    return self.answer(401)
                self.server.pushes = "pull%2Cpush" in query
                return self.answer(200, b'{"token":"%s"}' % token.encode())
            if given != "Bearer " + token or (verb and not self.server.pushes):
                realm = f'Bearer realm="http://{host}/token",service="{host}"'
                return self.answer(401, WWW_Authenticate=realm)
        away = read("away")
        if away and "/blobs/" in path:
            return self.answer(307, Location=away.decode().strip() + path)
        if read("huge") is not None and "/manifests/" in path:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                return None
        if ".." in path or not path.startswith("/v2/"):
            return self.answer(404)
        if self.command in ("POST", "PUT"):
            return self.take(path, query)
        body = read(path.lstrip("/"))
        return self.answer(404) if body is None else self.answer(200, body)


def main():
    os.makedirs("v2", exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pushes = False
    print(server.server_port, flush=True)
    server.serve_forever()


main()
