/** Dates and sizes as a tool's own schema wants them; what then does not fit that schema is refused. */
import { Ajv } from "ajv";
import { truth, type Json, plugin, refuse } from "sandgate";

interface Property {
  type?: string;
  format?: string;
}

interface Definition {
  inputSchema?: { properties?: { [name: string]: Property } };
}

const UNITS: { [unit: string]: number } = { "": 1, k: 1e3, m: 1e6, g: 1e9, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 };

export default plugin({
  settings: { dayFirst: truth({ default: true, description: "03/04/2026 is the third of April." }) },
  preCall: {
    type: "mutation",
    events: "tools/call",
    run: (ctx, params, { dayFirst }) => {
      const { inputSchema } = (ctx.definition ?? {}) as Definition;
      if (inputSchema === undefined) return;
      const given = params.get<{ [name: string]: Json }>("/arguments") ?? {};
      for (const [name, property] of Object.entries(inputSchema.properties ?? {})) {
        const value = given[name];
        if (typeof value !== "string") continue;
        const changed = property.format === "date" ? date(value, dayFirst) : property.type === "integer" ? bytes(value) : undefined;
        if (changed === undefined || changed === value) continue;
        given[name] = changed;
        params.set(`/arguments/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, changed);
      }
      const ajv = new Ajv({ strict: false, formats: { date: /^\d{4}-\d\d-\d\d$/ } });
      if (ajv.validate(inputSchema, given)) return;
      const [error] = ajv.errors ?? [];
      return refuse("arguments.unfit", `An argument does not fit the tool's schema: ${error?.keyword}.`, {
        at: `/arguments${error?.instancePath ?? ""}`,
      });
    },
  },
});

/** `2026-04-03` of `3.4.2026`, `03/04/2026` or itself; nothing where it is no date. */
function date(text: string, dayFirst: boolean): string | undefined {
  const found = /^(\d{1,2})([./])(\d{1,2})\2(\d{4})$/.exec(text.trim());
  if (found === null) return undefined;
  const [, first = "", mark, second = "", year = ""] = found;
  const [day, month] = dayFirst || mark === "." ? [first, second] : [second, first];
  const made = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return made.getUTCDate() === Number(day) && made.getUTCMonth() === Number(month) - 1 ? made.toISOString().slice(0, 10) : undefined;
}

/** `1500000` of `1.5 MB`; nothing where it is no size. */
function bytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim());
  const size = Number(found?.[1]) * (UNITS[(found?.[2] ?? "").toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(size)) ? Math.round(size) : undefined;
}
