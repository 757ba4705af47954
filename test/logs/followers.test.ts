// What a bridge that reads too slowly misses is counted, and it hears of that even when nothing more is printed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LogFollowers } from "../../src/bridge/embedded/log-followers.ts";

const LINES = 4_000;
const LINE = "x".repeat(1_024);

test("lines that a slow bridge misses are counted, the last ones too", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gl-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = createServer();
  server.listen(join(folder, "s"));
  const slow = connect(join(folder, "s"));
  const [socket] = (await once(server, "connection")) as [Socket];
  t.after(() => {
    for (const one of [slow, socket]) one.destroy();
    server.close();
  });

  const followers = new LogFollowers();
  followers.follow(socket, { type: "follow", sessions: ["a"], faults: "each" });
  for (let line = 0; line < LINES; line += 1) {
    followers.line({ session: "a", level: "info", message: LINE, time: line });
  }
  let [kept, dropped, rest] = [0, 0, ""];
  slow.setEncoding("utf8");
  slow.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const message of lines.map((line) => JSON.parse(line))) {
      if (message.message !== "") kept += 1;
      dropped += message.dropped ?? 0;
      if (kept + dropped === LINES) slow.emit("complete");
    }
  });
  await once(slow, "complete");
  assert.ok(dropped > 0 && kept > 0, `${kept} kept, ${dropped} dropped`);
});
