/** The mappings of a source map, version 3. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** One piece of a generated line: from this column (from 0) on it comes from that line (from 1) of that source. */
export interface Segment {
  column: number;
  source: number;
  line: number;
}

/** Segments by generated line. */
export function decodeMappings(mappings: string): Segment[][] {
  let [source, line] = [0, 0];
  return mappings.split(";").map((text) => {
    let column = 0;
    return text.split(",").flatMap((segment) => {
      const [columns = 0, sources, lines = 0] = numbers(segment);
      column += columns;
      if (segment === "" || sources === undefined) return [];
      source += sources;
      line += lines;
      return [{ column, source, line: line + 1 }];
    });
  });
}

function numbers(text: string): number[] {
  const found: number[] = [];
  let [value, shift] = [0, 0];
  for (const character of text) {
    const digit = DIGITS.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
