/** Asks what it is told to ask, and answers with what came of it. */

import { answer, http, on, plugin } from "sandgate";

export default plugin({
  preCall: on("tools/call", (ctx, params) => {
    const [method, url, body] = ["method", "url", "body"].map((name) => params.get(`/arguments/${name}`) as string | undefined);
    const timeout = params.get("/arguments/timeout") as number | undefined;
    const options = { headers: { "x-asked": "yes" }, limit: 1000, ...(timeout === undefined ? {} : { timeout }) };
    try {
      const reply = http.request(method ?? "GET", url ?? "", body ?? "", options);
      return answer({ status: reply.status, body: reply.text(), type: reply.headers["content-type"] ?? null });
    } catch (thrown) {
      if (!(thrown instanceof http.Failure)) throw thrown;
      return answer({ failed: thrown.kind });
    }
  }, { type: "mutation" }),
});
