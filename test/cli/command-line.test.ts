// The command line itself: help, usage errors, exit codes, colour, JSON.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cli, copyExample, pretendNode, repository, startCli } from "./cli.ts";

const COMMANDS = ["dev", "build", "deploy", "keygen", "invoke"];

describe("gestalt-edge", () => {
  it("prints an overview that names every command", async () => {
    const { code, stdout, stderr } = await cli(["--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${command} `, "m"));
  });

  for (const command of COMMANDS) {
    it(`prints the help of ${command}, with every option explained`, async () => {
      const { code, stdout } = await cli([command, "--help"]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: gestalt-edge ${command} `));
      for (const line of stdout.split("\n").filter((line) => /^ {2}(-| {4}--)/.test(line)))
        assert.match(line, /^ {2}(-\w, | {4})--[\w-]+( \S+)? {2,}\S/, line);
      assert.deepEqual(await cli(["help", command]), { code, stdout, stderr: "" });
    });
  }

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
    assert.deepEqual(await cli(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("refuses a Node that is too old, in three parts", async () => {
    const { code, stdout, stderr } = await cli(["--version"], { flags: pretendNode("20.20.2") });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^error: .* needs Node 22\.12 or newer, and this is 20\.20\.2\n {2}where: \/.*\n {4}fix: .*PATH\n$/,
    );
  });

  it("runs on the oldest Node there may be, with the flag it needs there, and passes signals and exit codes on", async () => {
    const { folder, remove } = await copyExample("search");
    const dev = startCli(["dev", folder, "--json"], { flags: pretendNode("22.12.0") });
    try {
      await dev.line(/"event":"ready"/);
      dev.child.kill("SIGTERM");
      const { code, stderr } = await dev.finished;
      assert.deepEqual([code, stderr], [0, ""]);
      assert.equal((await cli(["bild"], { flags: pretendNode("22.12.0") })).code, 2);
    } finally {
      dev.child.kill("SIGKILL");
      await dev.finished;
      await remove();
    }
  });

  const wrong: readonly (readonly [name: string, args: readonly string[], said: RegExp])[] = [
    ["no command", [], /No command given/],
    ["an unknown command", ["bild"], /"bild" is no command; there are dev, build, deploy, keygen, invoke/],
    ["an unknown option", ["build", "--fast"], /Unknown option '--fast'/],
    ["an option without its value", ["keygen", "--out"], /--out/],
    ["an argument too many", ["build", "one", "two"], /"two" is one argument too many/],
    ["a missing argument", ["invoke"], /NAME\.OPERATION is missing/],
    ["an operation without a provider", ["invoke", "find"], /"find" is not of the form NAME\.OPERATION/],
    ["arguments for another program where there is none", ["build", "--", "--tag"], /takes no arguments after --/],
    ["a port that is none", ["dev", "--port", "many"], /"many" is no port/],
    ["a key without an address", ["invoke", "a.b", "--key", "x"], /go only with --url/],
    ["a state folder with an address", ["invoke", "a.b", "--url", "http://x", "--state", "x"], /only without --url/],
    ["an address without a key", ["invoke", "a.b", "--url", "https://a.example"], /--url needs --key/],
    ["a credential as an argument", ["invoke", "a.b", "--token", "hunter22"], /--token takes @FILE/],
  ];
  for (const [name, args, said] of wrong) {
    it(`exits 2 for ${name}, and says where to read on`, async () => {
      const { code, stdout, stderr } = await cli(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, said);
      assert.match(stderr, /fix: /);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  it("exits 1 with what, where and fix for a project that is none, and shows no stack", async () => {
    const { code, stderr } = await cli(["build", "/nowhere/at/all"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: There is no such folder\n {2}where: \/nowhere\/at\/all\n {4}fix: .+\n$/);
  });

  it("writes errors as one line of JSON with --json", async () => {
    const { code, stdout, stderr } = await cli(["build", "/nowhere/at/all", "--json"]);
    assert.equal(stdout, "");
    const { error } = JSON.parse(stderr);
    assert.equal(error.exitCode, code);
    assert.equal(error.where, "/nowhere/at/all");
  });

  it("colours only when told to, and never against NO_COLOR", async () => {
    const colour = "\u001b[";
    const plain = await cli(["bild"]);
    assert.ok(!plain.stderr.includes(colour), "a pipe is no terminal");
    const forced = await cli(["bild"], { env: { FORCE_COLOR: "1" } });
    assert.ok(forced.stderr.includes(colour));
    // Node itself warns that it would do otherwise.
    const refused = await cli(["bild"], { env: { FORCE_COLOR: "1", NO_COLOR: "1", NODE_NO_WARNINGS: "1" } });
    assert.equal(refused.stderr, plain.stderr);
  });
});
