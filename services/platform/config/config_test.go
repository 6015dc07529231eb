package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/config"
)

type roomConfig struct {
	Address string        `env:"ROOM_ADDR" envDefault:":1" help:"an address such as :1"`
	Timeout time.Duration `env:"ROOM_TIMEOUT" envDefault:"5s" help:"a time such as 5s"`
	Key     config.Secret `env:"ROOM_KEY"`
	Regions []string      `env:"ROOM_REGIONS"`
}

func (c *roomConfig) Validate() error {
	var address, timeout error
	if !strings.Contains(c.Address, ":") {
		address = config.Invalid("ROOM_ADDR", "is %q, which has no port", c.Address)
	}
	if c.Timeout < 0 {
		timeout = config.Invalid("ROOM_TIMEOUT", "is negative")
	}
	return errors.Join(address, timeout)
}

type programConfig struct {
	Room     roomConfig
	Endpoint string        `env:"ENDPOINT,required" help:"the address of the account"`
	Timeout  time.Duration `env:"TIMEOUT"` // the same Go name as in Room
	Count    int           `env:"COUNT"`
	Wired    func()        `env:"-"`
}

func TestLoad(t *testing.T) {
	cfg, err := config.Load[programConfig]([]string{
		"ENDPOINT=https://a", "ROOM_KEY=k3y", "ROOM_REGIONS=West Europe,North Europe", "TIMEOUT=1m", "COUNT=1", "COUNT=2",
		"ROOM_ADDR=", "OTHER=ignored", `=C:=C:\dir`, "NOVALUE",
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Room.Key.Reveal() != "k3y" {
		t.Errorf("secret = %q", cfg.Room.Key.Reveal())
	}
	want := []any{":1", 5 * time.Second, []string{"West Europe", "North Europe"}, "https://a", time.Minute, 2}
	got := []any{cfg.Room.Address, cfg.Room.Timeout, cfg.Room.Regions, cfg.Endpoint, cfg.Timeout, cfg.Count}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadErrorsNameTheVariable(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    []string // each in the text
	}{
		{"missing", nil, []string{"ENDPOINT is not set; set it to the address of the account"}},
		{"empty", []string{"ENDPOINT="}, []string{"ENDPOINT is not set"}},
		{"duration", []string{"ENDPOINT=a", "ROOM_TIMEOUT=soon"}, []string{"ROOM_TIMEOUT cannot be understood as a duration", "soon"}},
		{"number", []string{"ENDPOINT=a", "COUNT=many"}, []string{"COUNT cannot be understood as a number"}},
		{"several", []string{"TIMEOUT=x", "COUNT=y"}, []string{"ENDPOINT is not set", "TIMEOUT cannot", "COUNT cannot"}},
		{"validate", []string{"ENDPOINT=a", "ROOM_ADDR=here"}, []string{`ROOM_ADDR is "here", which has no port; set it to an address such as :1`}},
		{"validate several", []string{"ENDPOINT=a", "ROOM_ADDR=here", "ROOM_TIMEOUT=-1s"}, []string{
			"no port; set it to an address such as :1", "ROOM_TIMEOUT is negative; set it to a time such as 5s",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := config.Load[programConfig](test.environ)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			var variable *config.Error
			if !errors.As(err, &variable) || variable.Variable == "" {
				t.Errorf("no *config.Error in %v", err)
			}
			if strings.Contains(err.Error(), "ROOM_TIMEOUT") != (test.name == "duration" || test.name == "validate several") {
				t.Errorf("error %q blames a field of the same Go name", err)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	type fileConfig struct {
		Key config.Secret `env:"KEY_FILE,file" help:"the path of the key's file"`
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load[fileConfig]([]string{"KEY_FILE=" + path})
	if err != nil || cfg.Key.Reveal() != "from a file" {
		t.Errorf("key = %q, %v", cfg.Key.Reveal(), err)
	}
	_, err = config.Load[fileConfig]([]string{"KEY_FILE=" + path + ".gone"})
	if err == nil || !strings.Contains(err.Error(), "KEY_FILE names a file that cannot be read") {
		t.Errorf("err = %v", err)
	}
}

func TestLoadNeedsAStruct(t *testing.T) {
	if _, err := config.Load[int](nil); err == nil {
		t.Error("an int was loaded")
	}
}
