"""Starts a gateway in front of a server and runs a client against the gateway; ends with the client's exit code.

Takes the client's script and the server's URL. `SANDGATE_BIN` names the gateway, `SANDGATE_INTERCEPTORS` a file with
the interceptors' part of the configuration, `SANDGATE_SERVER`, where it is there, more keys of the server.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

CONFIG = """\
[gateway]
listen = "127.0.0.1:0"

[call-log]
to = "none"

[servers.suite]
url = "{url}"
{server}

"""


def main(client, url):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "sandgate.toml")
        interceptors = pathlib.Path(os.environ["SANDGATE_INTERCEPTORS"]).read_text()
        config.write_text(CONFIG.format(url=url, server=os.environ.get("SANDGATE_SERVER", "")) + interceptors)
        command = [os.environ["SANDGATE_BIN"], "run", "--config", str(config)]
        gateway = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            for line in gateway.stderr:
                sys.stderr.write(line)
                if found := re.search(r"listening on (http://[0-9.:]+)", line):
                    break
            else:
                return "the gateway did not come up"
            # What else it says would fill the pipe.
            drain = subprocess.Popen(["cat"], stdin=gateway.stderr, stdout=sys.stderr)
            done = subprocess.run([sys.executable, client, f"{found.group(1)}/mcp/suite"], check=False)
        finally:
            gateway.terminate()
            gateway.wait()
        drain.wait()
        return done.returncode


sys.exit(main(*sys.argv[1:]))
