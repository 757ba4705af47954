// Command go plays gRPC calls with grpc-go, the library gestaltd uses: one JSON call per input line, one JSON answer per
// output line. Messages are bytes in both directions; nothing here knows what is in them. The shapes are those of
// ../play.ts.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// A channel without calls closes its connection after this time.
	idleTimeout = time.Second
	// Longest input line: one message of 4 MiB and some in base64.
	maxLineBytes = 16 * 1024 * 1024
	// A target that starts so is dialed as gestaltd dials: a socket path behind the authority "localhost".
	hostPrefix = "gestaltd:"
)

type call struct {
	ID                 string      `json:"id"`
	Target             string      `json:"target"`
	Method             string      `json:"method"`
	Kind               string      `json:"kind"`
	Requests           [][]byte    `json:"requests"`
	Metadata           [][2]string `json:"metadata"`
	TimeoutMs          *int64      `json:"timeoutMs"`
	CancelAfterMs      *int64      `json:"cancelAfterMs"`
	CancelAfterReplies int         `json:"cancelAfterReplies"`
	Gzip               bool        `json:"gzip"`
	Repeat             int         `json:"repeat"`
	AwaitIdle          bool        `json:"awaitIdle"`
	DigestOnly         bool        `json:"digestOnly"`
}

type reply struct {
	Bytes  int     `json:"bytes"`
	Sha256 string  `json:"sha256"`
	Base64 *string `json:"base64,omitempty"`
}

type result struct {
	Code     uint32      `json:"code"`
	Message  string      `json:"message"`
	Headers  [][2]string `json:"headers"`
	Trailers [][2]string `json:"trailers"`
	Replies  []reply     `json:"replies"`
}

type answer struct {
	ID      string   `json:"id"`
	Results []result `json:"results"`
}

func main() {
	output := json.NewEncoder(os.Stdout)
	must(output.Encode(map[string]string{"client": "grpc-go " + grpc.Version}))
	channels := map[string]*grpc.ClientConn{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLineBytes)
	for lines.Scan() {
		var next call
		must(json.Unmarshal(lines.Bytes(), &next))
		channel := channels[next.Target]
		if channel == nil {
			channel = dial(next.Target)
			channels[next.Target] = channel
		}
		must(output.Encode(answer{ID: next.ID, Results: play(channel, next)}))
	}
	must(lines.Err())
	for _, channel := range channels {
		must(channel.Close())
	}
}

func dial(target string) *grpc.ClientConn {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithIdleTimeout(idleTimeout),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})),
	}
	if path, ok := strings.CutPrefix(target, hostPrefix); ok {
		target = "passthrough:///localhost"
		options = append(options, grpc.WithAuthority("localhost"),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}))
	}
	channel, err := grpc.NewClient(target, options...)
	must(err)
	return channel
}

func play(channel *grpc.ClientConn, next call) []result {
	if next.AwaitIdle {
		for state := channel.GetState(); state != connectivity.Idle; state = channel.GetState() {
			channel.WaitForStateChange(context.Background(), state)
		}
	}
	results := make([]result, max(1, next.Repeat))
	var all sync.WaitGroup
	for index := range results {
		all.Add(1)
		go func() {
			defer all.Done()
			results[index] = playOnce(channel, next)
		}()
	}
	all.Wait()
	return results
}

func playOnce(channel *grpc.ClientConn, next call) result {
	ctx, cancel := context.WithCancel(outgoing(next.Metadata))
	defer cancel()
	if next.TimeoutMs != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(*next.TimeoutMs)*time.Millisecond)
		defer stop()
	}
	if next.CancelAfterMs != nil {
		defer time.AfterFunc(time.Duration(*next.CancelAfterMs)*time.Millisecond, cancel).Stop()
	}
	var options []grpc.CallOption
	if next.Gzip {
		options = append(options, grpc.UseCompressor("gzip"))
	}
	description := &grpc.StreamDesc{
		ServerStreams: next.Kind == "serverStream" || next.Kind == "bidi",
		ClientStreams: next.Kind == "clientStream" || next.Kind == "bidi",
	}
	stream, err := channel.NewStream(ctx, description, next.Method, options...)
	if err != nil {
		return describe(nil, nil, err)
	}
	return exchange(stream, description, next, cancel)
}

func exchange(stream grpc.ClientStream, description *grpc.StreamDesc, next call, cancel func()) result {
	for _, request := range next.Requests {
		// The error of a stream that the server has ended is found by receiving.
		if err := stream.SendMsg(&request); err != nil {
			break
		}
	}
	_ = stream.CloseSend()
	var replies []reply
	for {
		var message []byte
		err := stream.RecvMsg(&message)
		if err != nil {
			return describe(stream, replies, err)
		}
		replies = append(replies, describeReply(message, next.DigestOnly))
		if len(replies) == next.CancelAfterReplies {
			cancel()
		}
		if !description.ServerStreams {
			return describe(stream, replies, nil)
		}
	}
}

func describe(stream grpc.ClientStream, replies []reply, err error) result {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	final := status.Convert(err)
	told := result{Code: uint32(final.Code()), Message: final.Message(), Replies: replies}
	if stream != nil {
		if headers, err := stream.Header(); err == nil {
			told.Headers = pairs(headers)
		}
		told.Trailers = pairs(stream.Trailer())
	}
	return told
}

func outgoing(sent [][2]string) context.Context {
	var flat []string
	for _, pair := range sent {
		value := pair[1]
		if strings.HasSuffix(pair[0], "-bin") {
			decoded, err := base64.StdEncoding.DecodeString(value)
			must(err)
			value = string(decoded)
		}
		flat = append(flat, pair[0], value)
	}
	return metadata.AppendToOutgoingContext(context.Background(), flat...)
}

func pairs(received metadata.MD) [][2]string {
	var flat [][2]string
	for key, values := range received {
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			flat = append(flat, [2]string{key, value})
		}
	}
	return flat
}

func describeReply(message []byte, digestOnly bool) reply {
	digest := sha256.Sum256(message)
	told := reply{Bytes: len(message), Sha256: hex.EncodeToString(digest[:])}
	if !digestOnly {
		encoded := base64.StdEncoding.EncodeToString(message)
		told.Base64 = &encoded
	}
	return told
}

// rawCodec passes bytes through under the name of the protobuf codec.
type rawCodec struct{}

func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (rawCodec) Name() string { return "proto" }

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
