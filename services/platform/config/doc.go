// Package config reads a program's configuration from the environment, once, at start.
//
// A program describes what it needs as one struct, in which every room's own Config stands as a field:
//
//	type Config struct {
//		Server grpcserver.Config
//		Cosmos cosmos.Config
//		Auth   auth.Config
//		Handle string `env:"PROFILE_HANDLE_RULES" envDefault:"strict" help:"strict or relaxed"`
//	}
//
//	cfg, err := config.Load[Config](os.Environ())
//
// The tags are those of github.com/caarlos0/env/v11 (`env:"NAME,required,notEmpty"`, `envDefault`), and `help`: a sentence
// that says what the variable is for. Every error names the variable and quotes its help; all of them are reported together.
package config
