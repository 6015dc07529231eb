package grpcserver

import (
	"context"
	"net"

	"google.golang.org/grpc/test/bufconn"
)

const pipeBytes = 256 << 10 // each way and connection

// Pipe is a listener inside the process: what one service of a program calls another through, so that the same chain runs.
// Hand it to [Listeners] and its Dial to grpcclient.Options.
type Pipe struct {
	*bufconn.Listener
}

// NewPipe returns an open pipe.
func NewPipe() *Pipe { return &Pipe{Listener: bufconn.Listen(pipeBytes)} }

// Dial connects to the pipe's server. It waits until the server accepts.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) { return p.DialContext(ctx) }
