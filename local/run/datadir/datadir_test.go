package datadir_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"supergame/local/run/datadir"
)

func open(t *testing.T, path string, clients ...string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path, clients...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestKeysSurviveARestartAndGrowWithTheClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	first := open(t, path, "operator")
	second := open(t, path, "operator", "profile")
	read, err := datadir.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Keys().Sealing != second.Keys().Sealing || first.Keys().Clients["operator"] != second.Keys().Clients["operator"] {
		t.Error("a second start made other keys")
	}
	if first.Keys().Erasure == "" || first.Keys().Erasure != second.Keys().Erasure {
		t.Error("erased players would not be recognized after a restart")
	}
	if second.Keys().Clients["profile"] == "" {
		t.Error("a new client got no key")
	}
	if diff := cmp.Diff(second.Keys(), read.Keys()); diff != "" {
		t.Errorf("Read differs from Open: %s", diff)
	}
	if runtime.GOOS == "windows" {
		return // has no permission bits
	}
	info, err := os.Stat(filepath.Join(path, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("keys.json is readable by others: %v", info.Mode())
	}
}

func TestMemoryHasKeysOfItsOwn(t *testing.T) {
	a, b := open(t, "", "operator"), open(t, "", "operator")
	if a.Keys().Sealing == b.Keys().Sealing || a.Keys().Clients["operator"] == "" || a.Cosmos() != "" {
		t.Errorf("got %+v and %+v", a.Keys(), b.Keys())
	}
}

func TestAnotherVersionIsRefusedUntilReset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	open(t, path)
	if err := os.WriteFile(filepath.Join(path, "version"), []byte("supergame-data 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); !errors.Is(err, datadir.ErrVersion) {
		t.Errorf("Open = %v, want ErrVersion", err)
	}
	if _, err := datadir.Read(path); !errors.Is(err, datadir.ErrVersion) {
		t.Errorf("Read = %v, want ErrVersion", err)
	}
	if err := datadir.Reset(path); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestAForeignFolderIsNeitherUsedNorDeleted(t *testing.T) {
	path := t.TempDir()
	photo := filepath.Join(path, "holiday.jpg")
	if err := os.WriteFile(photo, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); !errors.Is(err, datadir.ErrForeign) {
		t.Errorf("Open = %v, want ErrForeign", err)
	}
	if err := datadir.Reset(path); !errors.Is(err, datadir.ErrForeign) {
		t.Errorf("Reset = %v, want ErrForeign", err)
	}
	if _, err := os.Stat(photo); err != nil {
		t.Error(err)
	}
}

func TestADamagedKeyFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	open(t, path)
	if err := os.WriteFile(filepath.Join(path, "keys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); err == nil {
		t.Error("a damaged key file was accepted")
	}
}

func TestAFirstStartThatWasKilledLeavesAUsableFolder(t *testing.T) {
	path := t.TempDir()
	half := filepath.Join(path, "version.new") // what is there between the two steps of writing the stamp
	if err := os.WriteFile(half, []byte("super"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := datadir.Reset(path); err != nil {
		t.Error(err)
	}
	open(t, path)
}

func TestDataWithoutTheirKeysAreNotGivenNewOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d := open(t, path)
	if err := os.Mkdir(d.Cosmos(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(path, "keys.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); !errors.Is(err, datadir.ErrNoKeys) {
		t.Errorf("Open = %v, want ErrNoKeys", err)
	}
}
