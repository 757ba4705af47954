// Finds the files that define a symbol, for server reflection.
import { type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

export interface DescriptorIndex {
  readonly services: readonly string[];
  /** The encoded file and all files it needs, itself first; undefined when there is no such file. */
  byFilename(name: string): Uint8Array[] | undefined;
  /** The same for the file that defines a message, enum, service, method or field of this full name. */
  bySymbol(symbol: string): Uint8Array[] | undefined;
}

/** Indexes the files of the services and all they import. */
export function createDescriptorIndex(services: readonly DescService[]): DescriptorIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  for (const service of services) for (const file of withImports(service.file)) files.set(filename(file), file);
  for (const file of files.values()) for (const symbol of symbolsOf(file)) symbols.set(symbol, file);
  const encode = (file: DescFile | undefined) => (file === undefined ? undefined : withImports(file).map(encodeFile));
  return {
    services: services.map((service) => service.typeName).sort(),
    byFilename: (name) => encode(files.get(name)),
    bySymbol: (symbol) => encode(symbols.get(symbol)),
  };
}

function withImports(file: DescFile, seen = new Set<DescFile>()): DescFile[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [file, ...file.dependencies.flatMap((dependency) => withImports(dependency, seen))];
}

/** The name that imports use; protobuf-es keeps it without the extension. */
function filename(file: DescFile): string {
  return file.proto.name;
}

function encodeFile(file: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, file.proto);
}

function symbolsOf(file: DescFile): string[] {
  const services = file.services.flatMap((s) => [s.typeName, ...s.methods.map((m) => `${s.typeName}.${m.name}`)]);
  const enums = file.enums.map((e) => e.typeName);
  return [...services, ...enums, ...file.messages.flatMap(symbolsOfMessage)];
}

function symbolsOfMessage(message: DescMessage): string[] {
  return [
    message.typeName,
    ...message.fields.map((field) => `${message.typeName}.${field.name}`),
    ...message.nestedEnums.map((nested) => nested.typeName),
    ...message.nestedMessages.flatMap(symbolsOfMessage),
  ];
}
