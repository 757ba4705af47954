"""Plays gRPC calls with Python's grpcio (the C core): one JSON call per input line, one JSON answer per output line.

Messages are bytes in both directions; nothing here knows what is in them. The shapes are those of ../play.ts.
"""

import base64
import concurrent.futures
import hashlib
import json
import sys
import threading

import grpc

# How many calls of one line may be in flight.
MAX_CONCURRENT_CALLS = 512
# grpcio's shortest idle time.
IDLE_TIMEOUT_MS = 1000

channels = {}


def channel_to(target):
    if target not in channels:
        channels[target] = grpc.insecure_channel(target, options=[("grpc.client_idle_timeout_ms", IDLE_TIMEOUT_MS)])
    return channels[target]


def play(line):
    channel = channel_to(line["target"])
    if line.get("awaitIdle"):
        await_idle(channel)
    repeat = line.get("repeat", 1)
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(repeat, MAX_CONCURRENT_CALLS)) as pool:
        results = list(pool.map(lambda _: play_once(channel, line), range(repeat)))
    return {"id": line["id"], "results": results}


def play_once(channel, line):
    requests = [base64.b64decode(request) for request in line["requests"]]
    streams_requests = line["kind"] in ("clientStream", "bidi")
    streams_replies = line["kind"] in ("serverStream", "bidi")
    factory = getattr(
        channel,
        ("stream" if streams_requests else "unary") + "_" + ("stream" if streams_replies else "unary"),
    )
    options = {
        "metadata": [(key, base64.b64decode(value) if key.endswith("-bin") else value) for key, value in line["metadata"]],
        "timeout": line["timeoutMs"] / 1000 if "timeoutMs" in line else None,
        "compression": grpc.Compression.Gzip if line.get("gzip") else None,
    }
    method = factory(line["method"])
    argument = iter(requests) if streams_requests else requests[0]
    if streams_replies:
        call = method(argument, **options)
        replies = read_replies(call, line.get("cancelAfterReplies"))
    else:
        call = method.future(argument, **options)
        if "cancelAfterMs" in line:
            threading.Timer(line["cancelAfterMs"] / 1000, call.cancel).start()
        replies = read_reply(call)
    return {
        "code": call.code().value[0],
        "message": call.details() or "",
        "headers": metadata_of(call.initial_metadata()),
        "trailers": metadata_of(call.trailing_metadata()),
        "replies": [describe(reply, line.get("digestOnly")) for reply in replies],
    }


def read_replies(call, cancel_after):
    replies = []
    try:
        for reply in call:
            replies.append(reply)
            if len(replies) == cancel_after:
                call.cancel()
    except grpc.RpcError:
        pass
    except grpc.FutureCancelledError:
        pass
    return replies


def read_reply(call):
    try:
        return [call.result()]
    except (grpc.RpcError, grpc.FutureCancelledError):
        return []


def await_idle(channel):
    idle = threading.Event()

    def on_state(state):
        if state is grpc.ChannelConnectivity.IDLE:
            idle.set()

    channel.subscribe(on_state)
    idle.wait()
    channel.unsubscribe(on_state)


def metadata_of(pairs):
    return [
        [key, base64.b64encode(value).decode() if isinstance(value, bytes) else value] for key, value in pairs or ()
    ]


def describe(reply, digest_only):
    answer = {"bytes": len(reply), "sha256": hashlib.sha256(reply).hexdigest()}
    if not digest_only:
        answer["base64"] = base64.b64encode(reply).decode()
    return answer


def main():
    print(json.dumps({"client": "grpcio " + grpc.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(play(json.loads(line))), flush=True)
    for channel in channels.values():
        channel.close()


if __name__ == "__main__":
    main()
