/**
 * The exports of a component without a plugin in it: the script comes with the settings, from the section of the component that
 * `sandgate plugin dev` writes it to. So a save needs no new component, and no new machine code.
 */

import { type Exports, exported, type Imports, type Lines, mapLines } from "./component.js";
import { words } from "./fault.js";
import type { Plugin } from "./plugin.js";

/** So many lines before the script: a frame of the SDK's own lies above them. */
const ABOVE = 20_000;

/** Makes the exports; `sdk` is what the script finds under the package's name. */
export function interpreted(sdk: object, imports: Imports): Exports {
  let made: Exports | undefined;
  const ready = (): Exports => {
    if (made === undefined) throw new Error("it was not configured");
    return made;
  };
  return {
    settings: {
      configure(text) {
        const { settings, source } = JSON.parse(text) as { settings: unknown; source: string };
        const { script, lines } = JSON.parse(source) as { script: string; lines: Lines };
        const module = { exports: {} as { default?: Plugin } };
        const require = (name: string): object => {
          if (name === "sandgate") return sdk;
          throw new Error(`there is no module ${name}`);
        };
        // An expression, so that the lines before it are known to the last.
        const run = (0, eval)(`${"\n".repeat(ABOVE - 1)}(function (module, exports, require) {\n${script}\n})`) as (...all: unknown[]) => void;
        mapLines({ ...lines, above: ABOVE });
        try {
          run(module, module.exports, require);
          if (module.exports.default === undefined) throw new Error("the source exports no plugin");
          made = exported(module.exports.default, imports);
        } catch (thrown) {
          throw [{ pointer: "", message: words(thrown, new Error()) }];
        }
        made.settings.configure(JSON.stringify(settings));
      },
    },
    preCall: { handle: (context, params) => ready().preCall.handle(context, params) },
    postCall: { handle: (context, reply) => ready().postCall.handle(context, reply) },
  };
}
