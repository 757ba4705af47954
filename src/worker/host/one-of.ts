// A choice as the protocol's `oneof` has it: an object with exactly one of several keys.

/** The other keys may be asked for and are undefined: `target.plugin?.operation`. */
export type OneOf<Cases> = {
  [Key in keyof Cases]: { readonly [Given in Key]: Cases[Given] } & {
    readonly [Other in Exclude<keyof Cases, Key>]?: undefined;
  };
}[keyof Cases];
