// An enum of the protocol and the names that host clients have for its values: one table, read both ways.
import { Code, ConnectError } from "@connectrpc/connect";

export interface EnumTable<Name extends string, Value extends number> {
  /** Values of a newer protocol than ours are "unspecified" too. */
  toName(value: Value): Name | "unspecified";
  /** Absent is unspecified. Throws INVALID_ARGUMENT for a name that is not in the table. */
  toValue(name: Name | "unspecified" | undefined): Value;
}

/** `what` names the enum in the error's text. The value 0 needs no row. */
export function enumTable<Name extends string, Value extends number>(
  what: string,
  rows: Readonly<Record<Name, Value>>,
): EnumTable<Name, Value> {
  const byName = new Map<string, Value>([["unspecified", 0 as Value], ...Object.entries<Value>(rows)]);
  const byValue = new Map([...byName].map(([name, value]) => [value, name as Name | "unspecified"]));
  return {
    toName: (value) => byValue.get(value) ?? "unspecified",
    toValue(name = "unspecified") {
      const value = byName.get(name);
      if (value !== undefined) return value;
      const known = [...byName.keys()].join(", ");
      throw new ConnectError(`There is no ${what} "${name}"; known are ${known}.`, Code.InvalidArgument);
    },
  };
}
