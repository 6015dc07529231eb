package cosmos

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/Azure/azure-sdk-for-go/sdk/tracing/azotel"

	"supergame/services/platform/fault"
)

const (
	defaultCallTimeout = 2 * time.Second
	defaultPatience    = 5 * time.Second
)

// Client is the connection to one database of one account. A process opens one and closes it at its end.
type Client struct {
	current     atomic.Pointer[connection]
	renewing    sync.Mutex
	dial        func(policy.Policy) (*azcosmos.Client, error)
	database    string
	create      bool
	log         *slog.Logger
	metrics     *metrics
	clock       clock
	callTimeout time.Duration
	patience    time.Duration
}

// Open makes a client. It does not talk to the account: [Client.Prepare] does, and tells whether the containers are there.
func Open(_ context.Context, cfg Config, opts Options) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	options, err := clientOptions(cfg, opts)
	if err != nil {
		return nil, err
	}
	login, err := newLogin(cfg, opts.Credential)
	if err != nil {
		return nil, fault.New(fault.Internal, "STORE_CONFIG", "the store's client cannot be made").Because(err)
	}
	recorded, err := newMetrics(opts.Meter)
	if err != nil {
		return nil, fault.New(fault.Internal, "STORE_CONFIG", "the store's metrics cannot be made").Because(err)
	}
	c := &Client{
		database: cfg.Database, create: cfg.Create, log: opts.Logger, metrics: recorded,
		callTimeout: opts.CallTimeout, patience: opts.Patience,
		dial: func(greeter policy.Policy) (*azcosmos.Client, error) {
			own := *options
			own.PerRetryPolicies = append([]policy.Policy{greeter}, options.PerRetryPolicies...)
			return login(cfg.Endpoint, &own)
		},
	}
	c.setDefaults()
	first, err := c.newConnection()
	if err != nil {
		return nil, fault.New(fault.Internal, "STORE_CONFIG", "the store's client cannot be made").Because(err)
	}
	c.current.Store(first)
	return c, nil
}

func (c *Client) setDefaults() {
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.callTimeout <= 0 {
		c.callTimeout = defaultCallTimeout
	}
	if c.patience <= 0 {
		c.patience = defaultPatience
	}
}

func clientOptions(cfg Config, opts Options) (*azcosmos.ClientOptions, error) {
	options := &azcosmos.ClientOptions{PreferredRegions: cfg.Regions, EnableContentResponseOnWrite: false}
	options.Retry = policy.RetryOptions{MaxRetries: 5, RetryDelay: 100 * time.Millisecond, MaxRetryDelay: 5 * time.Second}
	options.PerRetryPolicies = []policy.Policy{observer{}}
	options.Transport = opts.Transport
	if opts.Tracer != nil {
		options.TracingProvider = azotel.NewTracingProvider(opts.Tracer, nil)
	}
	if cfg.CAFile != "" && opts.Transport == nil {
		transport, err := transportWithCA(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		options.Transport = transport
	}
	return options, nil
}

// login makes a client of the SDK.
type login func(endpoint string, options *azcosmos.ClientOptions) (*azcosmos.Client, error)

// newLogin chooses between the account's key and Microsoft Entra.
func newLogin(cfg Config, credential azcore.TokenCredential) (login, error) {
	if !cfg.Key.IsZero() {
		key, err := azcosmos.NewKeyCredential(cfg.Key.Reveal())
		if err != nil {
			return nil, errors.New("COSMOS_KEY is not base64") // the SDK's error quotes the key
		}
		return func(endpoint string, options *azcosmos.ClientOptions) (*azcosmos.Client, error) {
			return azcosmos.NewClientWithKey(endpoint, key, options)
		}, nil
	}
	if credential == nil {
		var err error
		if credential, err = azidentity.NewDefaultAzureCredential(nil); err != nil {
			return nil, err
		}
	}
	return func(endpoint string, options *azcosmos.ClientOptions) (*azcosmos.Client, error) {
		return azcosmos.NewClient(endpoint, credential, options)
	}, nil
}

// Close releases what the client holds. Calls after it fail.
func (c *Client) Close() { c.current.Load().sdk.Close() }

// Database is the name of the database the client works in.
func (c *Client) Database() string { return c.database }

// Container is the handle of one container. It is cheap and safe for concurrent use.
type Container struct {
	client *Client
	name   string
}

// Container returns the handle of a container, which need not exist yet. It panics on an empty name.
func (c *Client) Container(name string) *Container {
	if name == "" {
		panic("cosmos: a container without a name")
	}
	return &Container{client: c, name: name}
}

// Name is the container's name.
func (c *Container) Name() string { return c.name }
