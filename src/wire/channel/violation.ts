// The other side broke the rules of the channel: not a call's failure but the end of the channel.

/** Thrown while a packet is taken in, caught by the peer. The message says which rule, without any content of the frame. */
export class Violation extends Error {
  override readonly name = "Violation";
}
