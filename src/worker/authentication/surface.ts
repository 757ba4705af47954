// The AuthenticationProvider service in terms of a provider's handlers.
import { Code, ConnectError } from "@connectrpc/connect";
import { AuthenticationProvider } from "../../gen/gestalt/provider/v1/authentication_pb.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import { redirectTo, settingsTo, userTo } from "./answers.ts";
import { externalTokenFrom, loginReturnFrom, loginStartFrom } from "./checks.ts";
import type { AuthenticationHandlers } from "./define.ts";

export function authenticationSurface<Config>(handlers: AuthenticationHandlers<Config>): Surface {
  const { validateExternalToken, sessionSettings } = handlers;
  return surface(AuthenticationProvider, {
    async beginLogin(message, call) {
      return redirectTo(await handlers.beginLogin(loginStartFrom(message), providerRequest<Config>(call)));
    },

    async completeLogin(message, call) {
      const user = await handlers.completeLogin(loginReturnFrom(message), providerRequest<Config>(call));
      if (user === undefined || user === null) throw refused("Nobody has signed in.");
      return userTo(user);
    },

    ...(validateExternalToken && {
      async validateExternalToken({ token }, call) {
        const input = externalTokenFrom(token);
        const user = await validateExternalToken.call(handlers, input, providerRequest<Config>(call));
        if (user === undefined || user === null) throw refused("The token is not one this provider accepts.");
        return userTo(user);
      },
    }),

    ...(sessionSettings && {
      async getSessionSettings(_message, call) {
        return settingsTo(await sessionSettings.call(handlers, providerRequest<Config>(call)));
      },
    }),
  });
}

function refused(text: string): ConnectError {
  return new ConnectError(text, Code.Unauthenticated);
}
