// Other plugins.
import type { HostLink } from "../link.ts";

export interface PluginInvoker {
  readonly todo?: never;
}

export function pluginInvokerClient(_link: HostLink): PluginInvoker {
  return {};
}
