package cosmos

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"supergame/services/platform/config"
)

// Config says which account and database to use. It is read from the environment by package config.
type Config struct {
	Endpoint string        `env:"COSMOS_ENDPOINT" help:"the address of the Cosmos DB account or emulator, such as https://localhost:8081"`
	Key      config.Secret `env:"COSMOS_KEY" help:"the account's key; leave it out to sign in with Microsoft Entra"`
	Database string        `env:"COSMOS_DATABASE" envDefault:"supergame" help:"the name of the database"`
	CAFile   string        `env:"COSMOS_CA_FILE" help:"a PEM file with one more certificate authority to trust, as the emulator's"`
	Regions  []string      `env:"COSMOS_REGIONS" help:"preferred regions, nearest first: West Europe,North Europe"`
	Create   bool          `env:"COSMOS_CREATE" help:"true to create missing containers; for local runs and tests"`
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if c.Endpoint == "" {
		return config.Invalid("COSMOS_ENDPOINT", "is not set")
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return config.Invalid("COSMOS_ENDPOINT", "is not an http or https address")
	case u.Scheme == "http" && c.Key.IsZero():
		return config.Invalid("COSMOS_ENDPOINT", "is http: a sign-in token must not travel in clear text; set COSMOS_KEY or use https")
	case c.Database == "":
		return config.Invalid("COSMOS_DATABASE", "is not set")
	}
	return nil
}

// Options are what a program hands to [Open] besides configuration. The zero value is fit for production.
type Options struct {
	Transport  policy.Transporter     // nil = the SDK's own; the emulator itself for a client in its process
	Credential azcore.TokenCredential // nil = DefaultAzureCredential; used when Config.Key is empty
	Logger     *slog.Logger           // nil = slog.Default()
	Meter      metric.MeterProvider   // nil = no metrics
	Tracer     trace.TracerProvider   // nil = no spans

	CallTimeout time.Duration // of one SDK call; 0 = 2 s
	Patience    time.Duration // of one method with all its retries; 0 = 5 s
}
