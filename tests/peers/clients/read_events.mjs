// Reads a recorded stream of events as the Node SDKs do, and prints the data of every message in JSON.
//
// Takes one argument, the file with the stream's bytes.

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { EventSourceParserStream } from "eventsource-parser/stream";

const stream = Readable.toWeb(createReadStream(process.argv[2]))
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new EventSourceParserStream());
const messages = [];
for await (const event of stream) {
  if ((!event.event || event.event === "message") && event.data) messages.push(event.data);
}
console.log(JSON.stringify(messages));
