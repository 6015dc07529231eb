package cosmos

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// connection is one client of the SDK. The SDK reads the account's regions before its first request, in disregard of that
// request's deadline, and when this fails it repeats the failure for five minutes (azcosmos v1.5.0,
// cosmos_global_endpoint_manager.go); it waits a minute for an account that does not answer. A service whose role assignment
// arrives after it would sit those out, so the first contact is made here, and a connection that failed it is replaced.
type connection struct {
	sdk        *azcosmos.Client
	database   string
	containers sync.Map    // name -> *azcosmos.ContainerClient
	met        atomic.Bool // the account has answered

	limit    time.Duration // of the first contact
	greeting sync.Once
	greeted  chan struct{} // closed after the first contact
	err      error         // of the first contact
	born     time.Time
}

func (c *Client) newConnection() (*connection, error) {
	made := &connection{database: c.database, greeted: make(chan struct{}), born: time.Now(), limit: 2 * c.patience}
	sdk, err := c.dial(&greeter{made})
	made.sdk = sdk
	return made, err
}

func (c *connection) container(name string) *azcosmos.ContainerClient {
	if known, ok := c.containers.Load(name); ok {
		return known.(*azcosmos.ContainerClient)
	}
	made, err := c.sdk.NewContainer(c.database, name)
	if err != nil {
		panic("cosmos: container: " + err.Error()) // both names are checked not to be empty
	}
	c.containers.Store(name, made)
	return made
}

// greet makes the first contact, once, and waits for it no longer than ctx allows.
func (c *connection) greet(ctx context.Context) error {
	if c.met.Load() {
		return nil
	}
	c.greeting.Do(func() {
		ctx := context.WithValue(context.WithoutCancel(ctx), greetingKey{}, true)
		answered := make(chan error, 1)
		go func() {
			_, err := c.container("greeting").Read(ctx, nil)
			answered <- err
		}()
		go func() {
			defer close(c.greeted)
			select {
			case err := <-answered:
				if !errors.Is(err, errGreeting) {
					c.err = err
				}
			case <-time.After(c.limit):
				c.err = context.DeadlineExceeded
			}
		}()
	})
	select {
	case <-c.greeted:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failed reports whether the first contact has been made in vain.
func (c *connection) failed() bool {
	select {
	case <-c.greeted:
		return c.err != nil
	default:
		return false
	}
}

type greetingKey struct{}

// greetingError ends the request that was made for the sake of the account's answer alone.
type greetingError struct{}

var errGreeting error = greetingError{}

func (greetingError) Error() string { return "the greeting ends here" }

// NonRetriable keeps the SDK from repeating it.
func (greetingError) NonRetriable() {}

// greeter is the policy that notices the account's answer.
type greeter struct {
	connection *connection
}

func (g *greeter) Do(req *policy.Request) (*http.Response, error) {
	if g.connection.met.Load() && req.Raw().Context().Value(greetingKey{}) == nil {
		return req.Next()
	}
	isAccount := req.Raw().URL.Path == "" || req.Raw().URL.Path == "/"
	if !isAccount && req.Raw().Context().Value(greetingKey{}) != nil {
		return nil, errGreeting
	}
	resp, err := req.Next()
	if isAccount && err == nil && resp.StatusCode == http.StatusOK {
		g.connection.met.Store(true)
	}
	return resp, err
}

// minConnectionAge keeps a crowd of callers from making a connection each while the account is away.
const minConnectionAge = 250 * time.Millisecond

// connect returns the client's connection after the first contact, a new one when that has failed.
func (c *Client) connect(ctx context.Context) (*connection, error) {
	current := c.current.Load()
	if current.met.Load() {
		return current, nil
	}
	if current.failed() {
		var err error
		if current, err = c.renew(current); err != nil {
			return nil, err
		}
	}
	return current, current.greet(ctx)
}

// renew replaces a connection that failed.
func (c *Client) renew(failed *connection) (*connection, error) {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	if current := c.current.Load(); current != failed || time.Since(failed.born) < minConnectionAge {
		return current, nil
	}
	next, err := c.newConnection()
	if err != nil {
		return nil, err
	}
	c.current.Store(next)
	failed.sdk.Close()
	return next, nil
}
