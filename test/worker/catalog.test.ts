// The documents gestaltd reads: catalogs from a plugin's own metadata, manifests from what a build knows.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Catalog, CatalogSchema } from "../../src/gen/gestalt/provider/v1/catalog_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { type CatalogDocument, catalogDocument } from "../../src/wire/catalog-document.ts";
import { type ManifestOptions, manifestDocument } from "../../src/wire/manifest-document.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

/** Every key that gestaltd's strict decoder knows, of those we may write (core/catalog/catalog.go). */
const TOP_KEYS = ["name", "displayName", "description", "iconSvg", "operations"];
const OPERATION_KEYS = [
  ...["id", "method", "title", "description", "inputSchema", "outputSchema", "annotations", "parameters"],
  ...["requiredScopes", "tags", "readOnly", "visible", "allowedRoles"],
];
const PARAMETER_KEYS = ["name", "type", "location", "wireName", "description", "required", "internal", "default"];

suite("catalog", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  let document: CatalogDocument;
  let catalog: Catalog;

  before(async () => {
    worker = await startWorker({ entry: new URL("./plugin.worker.ts", import.meta.url), provider: "full" });
    const { staticCatalog } = await worker.client(IntegrationProvider).getMetadata({});
    catalog = staticCatalog ?? create(CatalogSchema);
    document = catalogDocument(catalog);
  });
  after(() => worker.dispose());

  const operation = (id: string) => document.operations.find((each) => each.id === id);

  test("says of an operation all that its author said", () => {
    assert.deepEqual(operation("things.find"), {
      id: "things.find",
      method: "GET",
      title: "Find",
      description: "Finds things",
      inputSchema: {
        type: "object",
        properties: {
          query: { type: "string", minLength: 2, description: "What to look for" },
          limit: { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: 50, default: 10 },
          deep: { type: "boolean" },
          tags: { type: "array", items: { type: "string" } },
          mode: { type: "string", enum: ["a", "b"], default: "a" },
        },
        required: ["query"],
      },
      outputSchema: {
        type: "object",
        properties: { items: { type: "array", items: { type: "string" } } },
        required: ["items"],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, idempotentHint: true, destructiveHint: false, openWorldHint: true },
      parameters: [
        {
          name: "query",
          type: "string",
          location: "query",
          wireName: "q",
          description: "What to look for",
          required: true,
        },
        { name: "limit", type: "integer", default: 10 },
        { name: "deep", type: "boolean", internal: true },
        { name: "tags", type: "array" },
        { name: "mode", type: "string", default: "a" },
      ],
      requiredScopes: ["things:read"],
      tags: ["things"],
      readOnly: true,
      visible: true,
      allowedRoles: ["admin"],
    });
  });

  test("says nothing that was not said", () => {
    assert.deepEqual(operation("nothing"), { id: "nothing", method: "POST" });
    assert.equal(operation("hidden")?.visible, false);
  });

  test("a union's parameters are those of all its objects", () => {
    assert.deepEqual(operation("choice")?.parameters, [
      { name: "kind", type: "string", required: true },
      { name: "size", type: "integer" },
      { name: "name", type: "string" },
    ]);
  });

  test("holds only keys that gestaltd's strict decoder knows, and survives JSON", () => {
    const unknown = (value: object, known: readonly string[]) =>
      Object.keys(value).filter((key) => !known.includes(key));
    assert.deepEqual(unknown(document, TOP_KEYS), []);
    for (const each of document.operations) {
      assert.deepEqual(unknown(each, OPERATION_KEYS), []);
      for (const parameter of each.parameters ?? []) assert.deepEqual(unknown(parameter, PARAMETER_KEYS), []);
    }
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });

  test("one without operations is refused, as gestaltd would", () => {
    assert.throws(() => catalogDocument(create(CatalogSchema)), /no operation/);
  });
});

suite("manifest", () => {
  const good: ManifestOptions = {
    kind: "cache",
    source: "github.com/acme/providers/edge-cache",
    version: "1.2.3-beta.1+build",
    displayName: "Edge cache",
    artifacts: [
      { os: "linux", arch: "amd64", path: "bridge" },
      { os: "linux", arch: "arm64", path: "arm/bridge" },
    ],
    entrypoint: { artifactPath: "bridge", args: ["cache"] },
    configSchemaPath: "config.schema.json",
  };

  test("holds what gestaltd wants where it wants it", () => {
    const { configSchemaPath, ...head } = good;
    assert.deepEqual(manifestDocument(good), { ...head, spec: { configSchemaPath } });
    assert.deepEqual(manifestDocument({ kind: "plugin", source: good.source, version: "1.0.0", spec: { mcp: true } }), {
      kind: "plugin",
      source: good.source,
      version: "1.0.0",
      spec: { mcp: true },
    });
    assert.deepEqual(manifestDocument({ kind: "plugin", source: good.source, version: "1.0.0" }).spec, {});
  });

  test("what gestaltd would refuse is refused here, in words", () => {
    const faults: [Partial<ManifestOptions>, RegExp][] = [
      [{ source: "github.com/acme/x" }, /source/],
      [{ source: "localhost/a/b/c" }, /source/],
      [{ source: "github.com/Acme/x/y" }, /source/],
      [{ version: "1.2" }, /version/],
      [{ version: "v1.2.3" }, /version/],
      [{ entrypoint: { artifactPath: "other" } }, /entrypoint/],
      [{ iconFile: "../icon.svg" }, /icon/],
      [{ configSchemaPath: "/etc/schema.json" }, /schema/],
      [{ artifacts: [...(good.artifacts ?? []), { os: "linux", arch: "amd64", path: "other" }] }, /platform/],
      [{ artifacts: [...(good.artifacts ?? []), { os: "darwin", arch: "arm64", path: "bridge" }] }, /path/],
    ];
    for (const [fault, words] of faults) assert.throws(() => manifestDocument({ ...good, ...fault }), words);
  });
});
