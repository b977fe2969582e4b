"""A registry of npm and an index of PyPI on loopback, with small packages that are made here.

Its first line of output is its address. Packages are changed while it runs by files in its working directory: where
`swap` is there, the archive of a package has other contents than its hash says.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = """#!/usr/bin/env node
const fs = require('fs');
const attempt = (what) => { try { what(); return 'done'; } catch (error) { return error.code; } };
const look = () => ({
  words: require('words'),
  args: process.argv.slice(2),
  change: attempt(() => fs.writeFileSync(__dirname + '/new', '')),
  config: attempt(() => fs.readFileSync(process.argv[2])),
});
const answers = {
  initialize: (params) => ({ protocolVersion: params.protocolVersion, capabilities: { tools: {} },
    serverInfo: { name: 'notes', version: '1' } }),
  'tools/list': () => ({ tools: [{ name: 'look', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: JSON.stringify(look()) }] }),
  ping: () => ({}),
};
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const reply = answers[method]
    ? { result: answers[method](params || {}) }
    : { error: { code: -32601, message: 'unknown' } };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...reply }));
});
"""

PYTHON = '''
import json
import os
import sys

import words_py


def attempt(what):
    try:
        what()
        return "done"
    except OSError as error:
        import errno
        return errno.errorcode[error.errno]


def look():
    own = os.path.join(os.path.dirname(__file__), "new")
    return {
        "words": words_py.WORDS,
        "args": sys.argv[1:],
        "change": attempt(lambda: open(own, "w")),
        "config": attempt(lambda: open(sys.argv[1])),
    }


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        method = asked["method"]
        if method == "initialize":
            version = asked["params"]["protocolVersion"]
            info = {"name": "notes", "version": "1"}
            reply = {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}}
        elif method == "tools/list":
            reply = {"result": {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}}
        elif method == "tools/call":
            reply = {"result": {"content": [{"type": "text", "text": json.dumps(look())}]}}
        else:
            reply = {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **reply}), flush=True)
'''


def npm_archive(about, files):
    out = io.BytesIO()
    # Without the time, so that an archive is the same each time that it is made.
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in {"package.json": json.dumps(about), **files}.items():
            entry = tarfile.TarInfo("package/" + name)
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def wheel(name, version, needs, files, programs=""):
    about = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if programs:
        files[f"{about}/entry_points.txt"] = f"[console_scripts]\n{programs}\n"
    files[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return out.getvalue()


def sdist(name, version):
    script = "import os\nopen(os.environ['INSTALL_MARK'], 'w')\nfrom setuptools import setup\nsetup()\n"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in {"setup.py": script, "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


SCRIPT = {"postinstall": "node -e \"require('fs').writeFileSync(process.env.INSTALL_MARK, '')\""}
NOTES = {"bin": "server.js", "scripts": SCRIPT}


def npm_packages(base):
    """Of each name and version: what it says of itself, and its files."""
    server = {"server.js": NODE}
    lib = lambda text: {"index.js": f"module.exports = {text!r};\n"}
    return {
        ("notes", "1.0.0"): ({**NOTES, "dependencies": {"words": "1.0.0"}}, server),
        ("notes", "1.1.0"): ({**NOTES, "dependencies": {"words": "^1.1.0", "extra": "1.0.0"}}, server),
        ("words", "1.0.0"): ({"scripts": SCRIPT}, lib("one")),
        ("words", "1.1.0"): ({}, lib("two")),
        ("extra", "1.0.0"): ({}, lib("extra")),
        ("two-programs", "1.0.0"): ({"bin": {"a": "server.js", "b": "server.js"}}, server),
        ("of-git", "1.0.0"): ({**NOTES, "dependencies": {"words": f"git+{base}words.git"}}, server),
        ("of-elsewhere", "1.0.0"): ({**NOTES, "dependencies": {"words": f"{base}elsewhere.tgz"}}, server),
        ("no-hash", "1.0.0"): (NOTES, server),
    }


def main():
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body, kind = self.found()
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def found(self):
            with open("asked", "a", encoding="utf-8") as log:
                log.write(self.path + "\n")
            parts = self.path.strip("/").split("/")
            swapped = os.path.exists("swap")
            if parts[0] == "simple":
                files = [name for name in pypi if name.replace("_", "-").startswith(parts[1] + "-")]
                link = lambda name: f'<a href="/files/{name}#sha256={hashlib.sha256(pypi[name]).hexdigest()}">{name}</a>'
                return "".join(map(link, files)).encode() or None, "text/html"
            if parts[0] == "files":
                body = pypi.get(parts[1])
                return (body + b"x" if swapped and body else body), "application/octet-stream"
            if parts[0] == "archives":
                name, version = parts[1].removesuffix(".tgz").rsplit("-", 1)
                about, files = npm[name, version]
                about = {"name": name, "version": version, **about}
                return npm_archive(about, {**files, "swapped": "x"} if swapped else files), "application/octet-stream"
            versions = {}
            for (name, version), (about, files) in npm.items():
                if name != parts[0]:
                    continue
                about = {"name": name, "version": version, **about}
                hashed = base64.b64encode(hashlib.sha512(npm_archive(about, files)).digest()).decode()
                dist = {"tarball": f"{base}archives/{name}-{version}.tgz", "integrity": "sha512-" + hashed}
                if name == "no-hash":
                    del dist["integrity"]
                scripts = {"hasInstallScript": True} if "scripts" in about else {}
                versions[version] = {**about, **scripts, "dist": dist}
            if not versions:
                return None, "application/json"
            about = {"name": parts[0], "dist-tags": {"latest": max(versions)}, "versions": versions}
            return json.dumps(about).encode(), "application/json"

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}/"
    npm = npm_packages(base)
    pypi = {
        "notes_py-1.0.0-py3-none-any.whl": wheel(
            "notes_py", "1.0.0", ["words-py==1.0.0"], {"notes_py.py": PYTHON}, "notes-py = notes_py:main"
        ),
        # In the place of the real one, whose name the guide has.
        "mcp_server_time-2026.10.19-py3-none-any.whl": wheel(
            "mcp_server_time", "2026.10.19", ["words-py==1.0.0"], {"mcp_server_time.py": PYTHON},
            "mcp-server-time = mcp_server_time:main"
        ),
        "words_py-1.0.0-py3-none-any.whl": wheel("words_py", "1.0.0", [], {"words_py.py": 'WORDS = "one"\n'}),
        "source_py-1.0.0.tar.gz": sdist("source_py", "1.0.0"),
        "direct_py-1.0.0-py3-none-any.whl": wheel(
            "direct_py", "1.0.0", [f"words-py @ {base}files/words_py-1.0.0-py3-none-any.whl"], {"direct_py.py": ""}
        ),
    }
    print(base, flush=True)
    server.serve_forever()


main()
