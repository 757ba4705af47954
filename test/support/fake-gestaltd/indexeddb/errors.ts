// How a database fails, in gestaltd's own words (reference §4.7, "Canonical texts").
import { Code, ConnectError } from "@connectrpc/connect";

export const notFound = () => new ConnectError("datastore: not found", Code.NotFound);
export const alreadyExists = () => new ConnectError("datastore: already exists", Code.AlreadyExists);
export const readonly = () => new ConnectError("datastore: transaction is readonly", Code.FailedPrecondition);
export const invalidTransaction = () => new ConnectError("datastore: invalid transaction", Code.InvalidArgument);
export const invalid = (text: string) => new ConnectError(text, Code.InvalidArgument);
