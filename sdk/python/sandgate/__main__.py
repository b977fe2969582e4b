"""`python -m sandgate build [DIR]` makes a component of the plugin in a folder: its source is `plugin.py`, its manifest
`plugin.toml`. `python -m sandgate manifest [DIR]` prints the manifest as JSON; with `--write`, puts the source's hooks and
settings into `plugin.toml` first."""

import argparse
import json
import sys
from pathlib import Path

from sandgate import dev, hooks
from sandgate.build import NotBuilt, build, load_source
from sandgate.manifest import NoManifest, check, write


def main(arguments: list[str] | None = None) -> int:
    """0, or 1 where it cannot be done; says why on stderr."""
    parser = argparse.ArgumentParser("python -m sandgate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    words_of = {
        "build": "make a component",
        "manifest": "print the manifest as JSON",
        "dev": "what `sandgate plugin dev` runs: the source and what interprets it, as JSON",
    }
    for verb, words in words_of.items():
        command = verbs.add_parser(verb, help=words)
        command.add_argument("folder", nargs="?", default=".", type=Path, metavar="DIR")
        if verb == "manifest":
            command.add_argument("--write", action="store_true", help="put the source's hooks and settings into plugin.toml")
        elif verb == "dev":
            command.add_argument("--interpreters", type=Path, required=True, metavar="FOLDER", help="where they are kept")
        else:
            command.add_argument("-o", "--output", type=Path, metavar="FILE", help="left out: DIR/NAME.wasm")
            command.add_argument("--bare", action="store_true", help="without the manifest: who asks for it adds it")
    options = parser.parse_args(arguments)
    try:
        if options.verb == "manifest":
            load_source(options.folder)
            if options.write:
                write(options.folder, hooks.plugin)
            print(json.dumps(check(options.folder, hooks.plugin), ensure_ascii=False, indent=2))
        elif options.verb == "dev":
            print(json.dumps(dev.made(options.folder, options.interpreters)))
        else:
            print(build(options.folder, options.output, bare=options.bare))
    except (NotBuilt, NoManifest) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
