package cosmos

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"supergame/services/platform/fault"
)

// Preparation is a service's wait for its containers: role assignments and containers may come minutes after the service. Until
// they are there the service is not ready, instead of crashing.
type Preparation struct {
	client  *Client
	specs   []ContainerSpec
	service string
	log     *slog.Logger
	done    chan struct{}

	mu      sync.Mutex
	missing error // why it is not done; nil = it is
}

// NewPreparation returns a preparation of a service's containers that has not begun: [Preparation.Run] does the work.
func NewPreparation(client *Client, service string, specs []ContainerSpec, log *slog.Logger) *Preparation {
	return &Preparation{
		client: client, specs: specs, service: service, log: log, done: make(chan struct{}),
		missing: fault.New(fault.Unavailable, ReasonNotPrepared, "the containers have not been checked yet"),
	}
}

// Limits of the pause between two looks at the containers.
const (
	firstLook = 200 * time.Millisecond
	lastLook  = 10 * time.Second
)

// Run checks the containers ([Client.Prepare]) until they are as they should be, and reports true then; false when ctx ended
// first. Call it once.
func (p *Preparation) Run(ctx context.Context) bool {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		err := p.client.Prepare(ctx, p.specs)
		p.set(err)
		if err == nil {
			p.log.InfoContext(ctx, "the containers are ready", "service", p.service, "database", p.client.Database())
			close(p.done)
			return true
		}
		if ctx.Err() == nil {
			p.log.WarnContext(ctx, "the containers are not ready", "service", p.service, "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

func (p *Preparation) set(missing error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missing = missing
}

// Ready returns nil when the containers are there and as they should be, and otherwise what is wrong with them.
func (p *Preparation) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missing
}

// Done is closed when the containers are ready.
func (p *Preparation) Done() <-chan struct{} { return p.done }
